import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { resolveTlsFiles, tlsField } from "./tls-files.ts";
import { loadYaml } from "./yaml-file.ts";

const schema = z.strictObject({ name: z.string(), tls: tlsField });

describe("the files for TLS", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "penstock-tls-"));
    for (const name of ["ca.pem", "c.pem", "c.key"]) writeFileSync(join(directory, name), "");
    mkdirSync(join(directory, "folder"));
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  const write = (tls: string): string => {
    const path = join(directory, "c.yaml");
    writeFileSync(path, `name: a\ntls: ${tls}\n`);
    return path;
  };

  test("are found from the configuration's folder, wherever the process is", () => {
    const absolute = join(directory, "c.key");
    const path = write(`{ca: ca.pem, cert: ./c.pem, key: "${absolute}"}`);
    for (const name of [path, relative(process.cwd(), path)]) {
      expect(resolveTlsFiles(loadYaml(name, schema)).value).toEqual({
        name: "a",
        tls: { ca: join(directory, "ca.pem"), cert: join(directory, "c.pem"), key: absolute },
      });
    }
  });

  test("that are not there are all named with their lines", () => {
    const path = write("\n  ca: no.pem\n  cert: folder\n  key: c.key");
    expect(() => resolveTlsFiles(loadYaml(path, schema))).toThrow(
      `${path}:3: cannot read "${directory}/no.pem": no such file at tls.ca\n` +
        `${path}:4: cannot read "${directory}/folder": it is a directory at tls.cert`,
    );
  });

  test.each(["off", "false", "null", "[]", "{}", "{ca: ca.pem, cert: c.pem}"])(
    "must be given: %s is refused",
    (tls) => {
      expect(() => loadYaml(write(tls), schema)).toThrow(/c\.yaml:2: .* at tls.*; allowed: /);
    },
  );

  test("may not have an empty name", () => {
    expect(() => loadYaml(write('{ca: "", cert: c.pem, key: c.key}'), schema)).toThrow(
      "c.yaml:2: too few characters at tls.ca; allowed: at least 1",
    );
  });
});
