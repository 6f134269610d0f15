import { accessSync, constants, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { type ConfigFile, type ConfigProblem, configErrors } from "./config-file.ts";
import { fileField } from "./fields.ts";
import { fileReason } from "./read-text.ts";
import { quote } from "./wording.ts";

/** Where the PEM files for mutual TLS are. There is no way to go without. */
export interface TlsFiles {
  /** The cluster's certificate authority. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** The `tls` section: paths as written. */
export const tlsField: z.ZodType<TlsFiles, TlsFiles> = z.strictObject({
  ca: fileField,
  cert: fileField,
  key: fileField,
});

/**
 * The configuration with the paths of its `tls` section made absolute: relative ones are taken from the
 * file's folder. Throws `usage` with the line of each file that is not there or cannot be read.
 */
export function resolveTlsFiles<T extends { readonly tls: TlsFiles }>(
  file: ConfigFile<T>,
): ConfigFile<T> {
  const { ca, cert, key } = file.value.tls;
  const absolute = (path: string): string => resolve(dirname(file.fileName), path);
  const tls = { ca: absolute(ca), cert: absolute(cert), key: absolute(key) };
  const problems = Object.entries(tls).flatMap(([name, path]) => fileProblems(name, path));
  if (problems.length > 0) throw configErrors(file, problems);
  return { ...file, value: { ...file.value, tls } };
}

function fileProblems(name: string, path: string): ConfigProblem[] {
  try {
    accessSync(path, constants.R_OK);
    if (!statSync(path).isDirectory()) return [];
    return [problem(name, path, "it is a directory")];
  } catch (thrown) {
    return [problem(name, path, fileReason(thrown))];
  }
}

function problem(name: string, path: string, reason: string): ConfigProblem {
  return { path: ["tls", name], message: `cannot read ${quote(path)}: ${reason}` };
}
