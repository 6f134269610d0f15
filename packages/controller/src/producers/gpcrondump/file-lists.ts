import { posix } from "node:path";
import { listNames, PenstockError, pathProblem, quote } from "@penstock/common";
import type { FileLists } from "../producer.ts";
import {
  type FileKind,
  type FileName,
  isPipeKind,
  type Naming,
  parseFileName,
  versionOf,
} from "./file-names.ts";

/** One line of a list, understood. */
export interface ListedFile extends FileName {
  /** As the database's catalogue names it. */
  readonly host: string;
  readonly path: string;
  /** The path's last part. */
  readonly name: string;
}

/** Both lists of a set. */
export interface DumpLists {
  readonly naming: Naming;
  readonly pipes: readonly ListedFile[];
  readonly regularFiles: readonly ListedFile[];
}

/** Regular files that are there once a dump was brought to its end, and only then all of them. */
export const LAST_KINDS: ReadonlySet<FileKind> = new Set([
  "createDatabase",
  "masterStatus",
  "report",
  "aoState",
  "coState",
  "lastOperation",
]);

/**
 * Reads what `gpcrondump --list-backup-files` has written. Throws `failed` for lists that do not name
 * a whole set of this key and prefix, the incremental ones among them.
 */
export function readLists(texts: FileLists, naming: Omit<Naming, "version">): DumpLists {
  const pipeLines = parseLines(texts.pipes, "pipe list");
  const fileLines = parseLines(texts.regularFiles, "list of regular files");
  const lines = [...pipeLines, ...fileLines];
  const version = versionOf(lines.map(({ name }) => name));
  if (version === undefined) {
    throw bad("the lists name no file of the coordinator; so they are of no known version");
  }
  const full = { ...naming, version };
  const increments = fileLines.find(({ name }) => name.endsWith("_increments"));
  if (increments !== undefined) throw incremental(increments.name);
  const lists = {
    naming: full,
    pipes: pipeLines.map((line) => understand(line, full, "pipe list")),
    regularFiles: fileLines.map((line) => understand(line, full, "list of regular files")),
  };
  assertWhole(lists);
  return lists;
}

/** The key that both lists are of. Throws `failed` if they are of several, or of none. */
export function keyOf({ pipes, regularFiles }: FileLists): string {
  const names = [...parseLines(pipes, "pipe list"), ...parseLines(regularFiles, "list of files")];
  const keys = new Set(names.flatMap(({ name }) => /(?<!\d)\d{14}(?!\d)/.exec(name) ?? []));
  const [key, ...others] = keys;
  if (key !== undefined && others.length === 0) return key;
  if (key === undefined) throw bad("the lists hold no key of fourteen digits");
  throw bad(`the lists hold several keys: ${listNames([...keys])}`);
}

interface Line {
  readonly host: string;
  readonly path: string;
  readonly name: string;
}

/** `host:/absolute/path`, nothing quoted, each line ended by a line feed. */
function parseLines(text: string, what: string): Line[] {
  if (!text.endsWith("\n")) throw bad(`the ${what} ends in the middle of a line`);
  const lines = text
    .slice(0, -1)
    .split("\n")
    .map((line, index) => {
      const [, host = "", path = ""] = /^([^:\s]+):(\/.*)$/.exec(line) ?? [];
      if (host === "" || pathProblem(path) !== undefined) {
        throw bad(`line ${index + 1} of the ${what} is not host:/path: ${quote(line)}`);
      }
      return { host, path, name: posix.basename(path) };
    });
  const seen = new Set<string>();
  for (const { host, path } of lines) {
    const file = `${host}:${path}`;
    if (seen.has(file)) throw bad(`the ${what} names ${file} twice`);
    seen.add(file);
  }
  return lines;
}

function understand(line: Line, naming: Naming, what: string): ListedFile {
  const name = parseFileName(line.name, naming);
  const isPipeList = what === "pipe list";
  if (name === undefined || (isPipeList && !isPipeKind(name.kind))) {
    const expected = `of set ${naming.key}${naming.prefix && ` with prefix ${naming.prefix}`}`;
    throw bad(`the ${what} names ${line.path} on ${line.host}, which is no known file ${expected}`);
  }
  return { ...line, ...name };
}

function assertWhole({ naming, pipes, regularFiles }: DumpLists): void {
  const kinds = pipes.map(({ kind }) => kind);
  for (const kind of ["metadata", "postData", "segment"] as const) {
    if (!kinds.includes(kind))
      throw bad(`the pipe list of set ${naming.key} has no ${WORDS[kind]}`);
  }
  for (const kind of ["metadata", "postData"] as const) {
    if (kinds.filter((other) => other === kind).length > 1) {
      throw bad(`the pipe list of set ${naming.key} has several pipes for ${WORDS[kind]}`);
    }
  }
  const listed = new Set(regularFiles.map(({ kind }) => kind));
  const missing = [...LAST_KINDS].filter((kind) => !listed.has(kind));
  if (missing.length > 0) {
    throw bad(`the list of regular files of set ${naming.key} lacks: ${listNames(missing)}`);
  }
  const contents = pipes.flatMap(({ kind, contentId }) => (kind === "segment" ? [contentId] : []));
  const gap = contents.findIndex((_, content) => !contents.includes(content));
  if (naming.version === "5" && gap >= 0) {
    throw bad(`the pipe list of set ${naming.key} lacks the pipe of content ${gap}`);
  }
}

const WORDS = {
  metadata: "metadata",
  postData: "post-data",
  segment: "segment",
} as const;

function bad(message: string): PenstockError {
  return new PenstockError("failed", message, {
    hint: "list the files anew, with the options of the dump",
  });
}

function incremental(name: string): PenstockError {
  return new PenstockError("failed", `the lists are of an incremental dump (${name})`, {
    hint: "dump without --incremental: such a set can be restored only from several sets at once",
  });
}
