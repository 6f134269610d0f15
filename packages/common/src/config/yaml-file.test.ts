import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { PenstockError } from "../errors.ts";
import { configError, configErrors } from "./config-file.ts";
import { nameField, sizeField } from "./fields.ts";
import { loadYaml, parseYaml } from "./yaml-file.ts";

const tool = z.strictObject({ tool: nameField, env: z.record(nameField, z.string()).prefault({}) });
const schema = z.strictObject({
  name: nameField,
  size: sizeField(1024).prefault("1MiB"),
  codec: z.enum(["none", "gzip", "zstd"]).prefault("zstd"),
  threads: z.int().min(1).max(64).prefault(1),
  roots: z.array(z.string()).min(1).exactOptional(),
  hosts: z
    .array(z.union([nameField, z.strictObject({ name: nameField, port: z.int() })]))
    .exactOptional(),
  source: z
    .discriminatedUnion("type", [
      z.strictObject({ type: z.literal("command"), run: tool }),
      z.strictObject({ type: z.literal("plugin"), path: z.string() }),
    ])
    .exactOptional(),
  tools: z.record(nameField, tool).exactOptional(),
});

describe("a good file", () => {
  test("gives its value with defaults, and the line of each entry", () => {
    const file = parseYaml("# first\nname: a\ntools:\n  x:\n    tool: t\n", "c.yaml", schema);
    expect(file.value).toEqual({
      name: "a",
      size: 2 ** 20,
      codec: "zstd",
      threads: 1,
      tools: { x: { tool: "t", env: {} } },
    });
    expect(file.fileName).toBe("c.yaml");
    expect(file.lineOf([])).toBe(2);
    expect(file.lineOf(["tools", "x", "tool"])).toBe(5);
  });

  test("an entry that is not there has the line of the nearest one around it", () => {
    const file = parseYaml("name: a\ntools:\n  x:\n    tool: t\n", "c.yaml", schema);
    expect(file.lineOf(["tools", "x", "env", "PGPORT"])).toBe(3);
    expect(file.lineOf(["roots", 3])).toBe(1);
  });

  test("entries of lists have lines, in both styles", () => {
    const block = parseYaml("name: a\nroots:\n  - x\n  - y\n", "c.yaml", schema);
    expect(block.lineOf(["roots", 1])).toBe(4);
    const flow = parseYaml("name: a\nroots: [x,\n  y]\n", "c.yaml", schema);
    expect(flow.lineOf(["roots", 1])).toBe(3);
  });

  test("an alias has the lines of what it stands for", () => {
    const text = "name: a\ntools:\n  x: &t\n    tool: t\n  y: *t\n";
    const file = parseYaml(text, "c.yaml", schema);
    expect(file.value.tools).toMatchObject({ y: { tool: "t", env: {} } });
    expect(file.lineOf(["tools", "y"])).toBe(5);
    expect(file.lineOf(["tools", "y", "tool"])).toBe(4);
  });

  test("Windows line ends and a byte order mark change nothing", () => {
    expect(parseYaml("\ufeffname: a\r\nthreads: 2\r\n", "c.yaml", schema).lineOf(["threads"])).toBe(
      2,
    );
  });

  test("YAML 1.2 words stay words: off, no and yes are text", () => {
    expect(parseYaml("name: no\n", "c.yaml", schema).value.name).toBe("no");
  });
});

describe("what a schema finds", () => {
  test.each([
    [
      "an unknown key, with the nearest known one",
      "name: a\nthread: 2\n",
      'c.yaml:2: unknown key (did you mean "threads"?) at thread; allowed: name, size, codec, threads, roots, hosts, source, tools',
    ],
    [
      "an unknown key deep inside",
      "name: a\ntools:\n  x:\n    tool: t\n    arguments: []\n",
      "c.yaml:5: unknown key at tools.x.arguments; allowed: tool, env",
    ],
    [
      "an unknown key of a strange name",
      'name: a\n"x\\ny z": 1\n',
      'c.yaml:2: unknown key at ["x\\ny z"]; allowed: name, size, codec, threads, roots, hosts, source, tools',
    ],
    ["a missing key", "threads: 2\n", "c.yaml:1: missing key at name; allowed: text"],
    [
      "a missing key deep inside",
      "name: a\ntools:\n  x: {env: {}}\n",
      "c.yaml:3: missing key at tools.x.tool; allowed: text",
    ],
    [
      "a missing size",
      "name: a\nsource: {type: command}\n",
      "c.yaml:2: missing key at source.run; allowed: a map with the keys tool, env",
    ],
    [
      "a number for text",
      "name: 7\n",
      "c.yaml:1: unexpected number at name; allowed: text (put it in quotes)",
    ],
    [
      "text for a number",
      "name: a\nthreads: two\n",
      "c.yaml:2: unexpected text at threads; allowed: a whole number",
    ],
    [
      "a fraction",
      "name: a\nthreads: 1.5\n",
      "c.yaml:2: unexpected number at threads; allowed: a whole number",
    ],
    ["a list for text", "name: [a]\n", "c.yaml:1: unexpected list at name; allowed: text"],
    [
      "a map for a list",
      "name: a\nroots: {}\n",
      "c.yaml:2: unexpected map at roots; allowed: a list",
    ],
    ["no value", "name: a\nroots:\n", "c.yaml:2: no value at roots; allowed: a list"],
    [
      "text for a map",
      "name: a\ntools: {x: t}\n",
      "c.yaml:2: unexpected text at tools.x; allowed: a map with the keys tool, env",
    ],
    [
      "an unknown choice, with the nearest one",
      "name: a\ncodec: ztsd\n",
      'c.yaml:2: unknown value "ztsd" (did you mean "zstd"?) at codec; allowed: none, gzip, zstd',
    ],
    [
      "a list for a choice",
      "name: a\ncodec: [zstd]\n",
      "c.yaml:2: unexpected list at codec; allowed: none, gzip, zstd",
    ],
    [
      "a number too large",
      "name: a\nthreads: 65\n",
      "c.yaml:2: 65 is too large at threads; allowed: at most 64",
    ],
    [
      "a number too small",
      "name: a\nthreads: 0\n",
      "c.yaml:2: 0 is too small at threads; allowed: at least 1",
    ],
    [
      "an empty list",
      "name: a\nroots: []\n",
      "c.yaml:2: too few entries at roots; allowed: at least 1",
    ],
    [
      "a bad size",
      "name: a\nsize: 8Gib\n",
      'c.yaml:2: bad size "8Gib" at size; allowed: bytes, or a number with KiB, MiB, GiB or TiB (also k, m, g, t) or with kB, MB, GB or TB, e.g. 64MiB',
    ],
    [
      "a size too small",
      "name: a\nsize: 1k\nsize2: 1\n",
      'c.yaml:3: unknown key (did you mean "size"?) at size2',
    ],
    [
      "a size below its least",
      "name: a\nsize: 1\n",
      "c.yaml:2: 1 is too small at size; allowed: at least 1KiB",
    ],
    [
      "a map for a size",
      "name: a\nsize: {}\n",
      "c.yaml:2: unexpected map at size; allowed: bytes, or",
    ],
    [
      "a bad name",
      "name: ../x\n",
      'c.yaml:1: bad name "../x" at name; allowed: letters, digits, ".", "_" and "-", not beginning with "." or "-", at most 200',
    ],
    [
      "a bad name as a key",
      "name: a\ntools:\n  ok: {tool: t}\n  -x: {tool: t}\n",
      'c.yaml:4: bad name "-x" at tools.-x; allowed: letters, digits',
    ],
    [
      "a variant of no known type",
      "name: a\nsource:\n  type: comand\n",
      'c.yaml:3: unknown value "comand" (did you mean "command"?) at source.type; allowed: command, plugin',
    ],
    [
      "a variant without its type",
      "name: a\nsource:\n  path: x\n",
      "c.yaml:2: missing key at source.type; allowed: command, plugin",
    ],
    [
      "the key of another variant",
      "name: a\nsource:\n  type: plugin\n  path: x\n  run: {}\n",
      "c.yaml:5: unknown key at source.run; allowed: type, path",
    ],
    [
      "an alternative that is neither",
      "name: a\nhosts: [7]\n",
      "c.yaml:2: unexpected number at hosts[0]; allowed: text (put it in quotes) or a map",
    ],
    [
      "an error inside the alternative that was meant",
      "name: a\nhosts:\n  - {name: x, port: y, extra: 1}\n",
      "c.yaml:3: unexpected text at hosts[0].port; allowed: a whole number\nc.yaml:3: unknown key at hosts[0].extra; allowed: name, port",
    ],
    [
      "a list at the top",
      "- a\n",
      "c.yaml:1: unexpected list; allowed: a map with the keys name, size",
    ],
    [
      "text at the top",
      "\nhello\n",
      "c.yaml:2: unexpected text; allowed: a map with the keys name, size",
    ],
  ])("%s", (_, text, message) => {
    expect(messageOf(text)).toContain(message);
  });

  test("all problems come in one error, in the order of the file", () => {
    expect(messageOf("codec: lz4\nnaem: a\nthreads: 0\n").split("\n")).toEqual([
      expect.stringContaining("c.yaml:1: missing key at name"),
      expect.stringContaining('c.yaml:1: unknown value "lz4" at codec'),
      expect.stringContaining('c.yaml:2: unknown key (did you mean "name"?) at naem'),
      expect.stringContaining("c.yaml:3: 0 is too small at threads"),
    ]);
  });

  test("of very many problems the rest is counted", () => {
    const text = `name: a\n${Array.from({ length: 1000 }, (_, i) => `k${i}: 1\n`).join("")}`;
    const lines = messageOf(text).split("\n");
    expect(lines).toHaveLength(51);
    expect(lines.at(-1)).toBe("c.yaml: and 950 more problems");
  });

  test("a value of the wrong type is not shown: it may be a secret", () => {
    expect(messageOf("name: a\ntools: {x: {tool: t, env: {PGPASSWORD: 4711}}}\n")).toBe(
      "c.yaml:2: unexpected number at tools.x.env.PGPASSWORD; allowed: text (put it in quotes)",
    );
  });
});

describe("what the text itself has wrong", () => {
  test.each([
    ["an empty file", "", "c.yaml:1: the file is empty"],
    ["only comments", "# nothing\n\n", "c.yaml:1: the file is empty"],
    ["a duplicate key", "name: a\nthreads: 1\nname: b\n", 'c.yaml:3: duplicate key "name"'],
    [
      "a duplicate key deep inside",
      "name: a\ntools:\n  x: {}\n  y: {}\n  'x': {}\n",
      'c.yaml:5: duplicate key "x"',
    ],
    ["a key that is a list", "name: a\n? [x]\n: 1\n", "c.yaml:2: bad key; allowed: plain text"],
    ["a key that is empty", "name: a\n: 1\n", "c.yaml:2: bad key; allowed: plain text"],
    [
      "a key of JavaScript's own",
      "name: a\ntools:\n  __proto__: {}\n",
      'c.yaml:3: bad key "__proto__"',
    ],
    ["a tab as indentation", "name: a\ntools:\n\tx: 1\n", "c.yaml:3: bad YAML: "],
    [
      "an open bracket",
      "name: a\nroots: [x\n",
      "c.yaml:3: bad YAML: flow sequence in block collection",
    ],
    ["an open quote", 'name: "a\n', 'c.yaml:2: bad YAML: missing closing "quote'],
    ["two documents", "name: a\n---\nname: b\n", "c.yaml:2: bad YAML: "],
    ["an unknown tag", "name: !include x\n", "c.yaml:1: bad YAML: unresolved tag: !include"],
    ["an alias to nothing", "name: a\nroots: *r\n", 'c.yaml:2: unknown alias "r"'],
    [
      "a control character",
      "name: a\nroots: [\u0000]\n",
      "c.yaml:2: not text: it holds a control character",
    ],
  ])("%s", (_, text, message) => {
    expect(messageOf(text)).toContain(message);
  });

  test("a syntax error does not quote the text: it may hold a secret", () => {
    expect(messageOf('name: a\nroots: {"hunter2": "hunter2\n')).not.toContain("hunter2");
  });

  test("aliases of aliases, which would fill the memory, are refused at once", () => {
    const levels = Array.from(
      { length: 9 },
      (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i}, `.repeat(9)}]`,
    );
    expect(messageOf(`l0: &l0 [x, x]\n${levels.join("\n")}\n`)).toBe(
      "c.yaml:1: aliases stand for too much",
    );
  });

  test("very many aliases are refused at once", () => {
    const text = `name: &n a\nroots:\n${"  - *n\n".repeat(20_000)}`;
    expect(messageOf(text)).toBe("c.yaml:103: too many aliases; allowed: at most 100");
  });

  test("a value that holds itself is only a wrong value", () => {
    expect(messageOf("name: a\nroots: &r [*r]\n")).toBe(
      "c.yaml:2: unexpected list at roots[0]; allowed: text",
    );
  });

  test.each(["[", "{a: ", "- ", "? "])("very deep nesting of %j is refused", (opening) => {
    expect(messageOf(opening.repeat(50_000))).toBe("c.yaml:1: nested too deeply");
  });

  test("a hundred thousand keys are checked in linear time", () => {
    const text = Array.from({ length: 100_000 }, (_, i) => `key${i}:\n`).join("");
    expect(messageOf(text)).toContain("more problems");
  });

  test("whatever the text, the outcome is a value or a usage error with file and line", () => {
    const scraps = fc.constantFrom(
      "name",
      ": ",
      "\n",
      "  ",
      "- ",
      "[",
      "]",
      "{",
      "}",
      "&a ",
      "*a",
      "'",
      '"',
      "|",
      "#",
      "!x ",
      "%",
      "a",
      "7",
      "\t",
    );
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(scraps).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(text, (yaml) => {
        const message = messageOf(yaml);
        return (
          message === "" || message.split("\n").every((line) => /^c\.yaml:[1-9]\d*: ./.test(line))
        );
      }),
      { numRuns: 1000 },
    );
  });
});

describe("the file", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "penstock-yaml-"));
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  const write = (name: string, content: string | Uint8Array): string => {
    const path = join(directory, name);
    writeFileSync(path, content);
    return path;
  };

  test("is read and checked", () => {
    const path = write("good.yaml", "name: a\n");
    expect(loadYaml(path, schema)).toMatchObject({ value: { name: "a" }, fileName: path });
  });

  test("may begin with a byte order mark", () => {
    expect(loadYaml(write("bom.yaml", "\ufeffname: a\n"), schema).value.name).toBe("a");
  });

  test("that is missing is named, with a hint", () => {
    const path = join(directory, "no.yaml");
    expect(() => loadYaml(path, schema)).toThrow(
      expect.objectContaining({
        code: "usage",
        message: `${path}: no such file`,
        hint: "name the configuration file with --config",
      }),
    );
  });

  test("below something that is no folder does not exist", () => {
    const path = join(write("plain", ""), "c.yaml");
    expect(() => loadYaml(path, schema)).toThrow(`${path}: no such file`);
  });

  test("may not be a directory", () => {
    mkdirSync(join(directory, "dir"));
    expect(() => loadYaml(join(directory, "dir"), schema)).toThrow("dir: it is a directory");
  });

  test("that may not be read is refused", () => {
    const path = write("secret.yaml", "name: a\n");
    chmodSync(path, 0);
    asOrdinaryUser(() => {
      expect(() => loadYaml(path, schema)).toThrow(`${path}: permission denied`);
    });
  });

  test("may be 1 MiB long and no byte longer", () => {
    const padded = "name: a\n#".padEnd(2 ** 20, "x");
    expect(loadYaml(write("full.yaml", padded), schema).value.name).toBe("a");
    expect(() => loadYaml(write("over.yaml", `${padded}x`), schema)).toThrow("larger than 1 MiB");
  });

  test("without an end is given up", () => {
    expect(() => loadYaml("/dev/zero", schema)).toThrow("/dev/zero: larger than 1 MiB");
  });

  test("of other bytes than UTF-8 is refused with the line", () => {
    const path = write("latin1.yaml", Buffer.from("name: a\n# gr\xfc\xdfe\n", "latin1"));
    expect(() => loadYaml(path, schema)).toThrow(`${path}:2: not UTF-8 text`);
  });

  test("of random bytes is refused as wrong usage", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 4096 }), (bytes) => {
        const path = write("random.yaml", bytes);
        const failure = failureOf(() => loadYaml(path, schema));
        return failure?.code === "usage" && failure.message.startsWith(`${path}:`);
      }),
      { numRuns: 100 },
    );
  });
});

describe("an error found later", () => {
  const file = parseYaml("name: a\nroots:\n  - /x\n  - /y\n", "c.yaml", schema);

  test("has the same form", () => {
    const error = configError(file, ["roots", 1], 'no such folder "/y"; allowed: /x');
    expect(error).toMatchObject({
      code: "usage",
      message: 'c.yaml:4: no such folder "/y" at roots[1]; allowed: /x',
    });
  });

  test("may be several", () => {
    const error = configErrors(file, [
      { path: ["roots", 1], message: "b" },
      { path: [], message: "whole" },
      { path: ["name"], message: "a" },
    ]);
    expect(error.message).toBe("c.yaml:1: whole\nc.yaml:1: a at name\nc.yaml:4: b at roots[1]");
  });
});

/** The message of the error, or "" if there is none. Anything but a usage error fails the test. */
function messageOf(text: string): string {
  const failure = failureOf(() => parseYaml(text, "c.yaml", schema));
  if (failure === undefined) return "";
  expect(failure.code).toBe("usage");
  return failure.message;
}

function failureOf(action: () => unknown): PenstockError | undefined {
  try {
    action();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof PenstockError) return thrown;
    throw thrown;
  }
}

/** Root may read everything, so it is somebody else for the moment. */
function asOrdinaryUser(action: () => void): void {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    action();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}
