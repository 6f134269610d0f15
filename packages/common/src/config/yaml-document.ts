import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
} from "yaml";
import { type ConfigPath, errorAtLines } from "./config-file.ts";
import { structureProblems, type TextProblem } from "./yaml-structure.ts";

/** The plain value of a YAML text, and where its parts stand. */
export interface YamlDocument {
  readonly value: unknown;
  /** See ConfigFile. */
  lineOf(path: ConfigPath): number;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROL_CHARACTER = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;

const TOO_DEEP = "nested too deeply";

/**
 * Parses one YAML 1.2 document. Throws `usage` with every syntax error, duplicate key, unknown tag and
 * unusable alias, each with its line; control characters and an empty file too.
 */
export function parseYamlDocument(text: string, fileName: string): YamlDocument {
  const control = text.search(CONTROL_CHARACTER);
  if (control >= 0) {
    const line = text.slice(0, control).split("\n").length;
    throw errorAtLines(fileName, [{ line, text: "not text: it holds a control character" }]);
  }
  try {
    return readDocument(text, fileName);
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    throw errorAtLines(fileName, [{ line: 1, text: TOO_DEEP }]);
  }
}

function readDocument(text: string, fileName: string): YamlDocument {
  const lineCounter = new LineCounter();
  const lineAt = (offset: number): number => Math.max(1, lineCounter.linePos(offset).line);
  const refuse = (problems: readonly TextProblem[]): Error =>
    errorAtLines(
      fileName,
      problems.map(({ offset, text: wrong }) => ({ line: lineAt(offset), text: wrong })),
    );

  const document = parseDocument(text, {
    lineCounter,
    prettyErrors: false, // they quote the text, which may hold a secret
    uniqueKeys: false, // its check is quadratic; structureProblems has its own
    logLevel: "error", // "silent" would take a second document without a word
  });
  const problems = documentProblems(document);
  if (problems.length > 0) throw refuse(problems);
  const value = toValue(document);
  if (value === TOO_MUCH) throw refuse([{ offset: 0, text: "aliases stand for too much" }]);
  return { value, lineOf: (path) => lineAt(offsetOf(document, path)) };
}

function documentProblems(document: Document.Parsed): TextProblem[] {
  const syntax = [...document.errors, ...document.warnings];
  const deep = syntax.find(({ code }) => code === "RESOURCE_EXHAUSTION"); // the stack was full
  if (deep) return [{ offset: deep.pos[0], text: TOO_DEEP }];
  if (syntax.length > 0) {
    return syntax.map(({ pos, message }) => ({
      offset: pos[0],
      text: `bad YAML: ${message.charAt(0).toLowerCase()}${message.slice(1).replace(/\.$/, "")}`,
    }));
  }
  if (document.contents === null) return [{ offset: 0, text: "the file is empty" }];
  return structureProblems(document);
}

const TOO_MUCH = Symbol("too much");

/** Aliases of aliases can stand for gigabytes: the library counts them and throws. */
function toValue(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (thrown) {
    if (thrown instanceof ReferenceError) return TOO_MUCH;
    throw thrown;
  }
}

/** Offset of the key or list entry at a path, or of the nearest thing around it. */
function offsetOf(document: Document.Parsed, path: ConfigPath): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range[0] ?? 0;
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document);
    const [place, child] = childOf(node, key);
    if (!isNode(place)) break;
    offset = place.range?.[0] ?? offset;
    node = child;
  }
  return offset;
}

/** What stands for the entry in the file (its key, or itself in a list), and its value. */
function childOf(node: unknown, key: string | number): [place: unknown, child: unknown] {
  if (isSeq(node)) return [node.items[Number(key)], node.items[Number(key)]];
  if (!isMap(node)) return [undefined, undefined];
  const pair = node.items.find(
    (item) => isScalar(item.key) && String(item.key.value) === String(key),
  );
  return [pair?.key, pair?.value];
}
