import { readFileSync } from "node:fs";
import { Failure, messageOf } from "./failure.ts";

/** Where an agent serves its socket unless its configuration says otherwise. */
const DEFAULT_SOCKET = "/var/lib/penstock-agent/plugin.sock";

/** What the plugin's configuration file says; gpbackup adds options of its own. */
export interface Options {
  /** The plan whose run takes the data. */
  readonly plan: string;
  /** Of this host's agent: from the environment, the file, or the agent's default. */
  readonly socket: string;
  /** The program that opens a set for a gpbackup that nobody has started for a set. */
  readonly penstock: string;
  /** That program's configuration file. */
  readonly config: string;
}

/** Reads the configuration file. Throws a Failure that names the line. */
export function readOptions(path: string): Options {
  const words = parseOptions(readText(path), path);
  const plan = words.get("plan") ?? "";
  if (plan === "") throw new Failure(`${path}: options has no plan: name a plan of penstock.yaml`);
  return {
    plan,
    socket: process.env["PENSTOCK_PLUGIN_SOCKET"] || words.get("socket") || DEFAULT_SOCKET,
    penstock: words.get("penstock") || "/usr/bin/penstock",
    config: words.get("config") || "/etc/penstock/penstock.yaml",
  };
}

/**
 * The texts below `options:`. gpbackup takes no other YAML than a map of text to text, and writes it
 * anew for each host, so no more of YAML is read here: one `key: value` a line, bare or in quotes.
 */
export function parseOptions(text: string, path: string): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  let isWithin = false;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const place = `${path}:${index + 1}`;
    if (/^\s*(#.*)?$|^---\s*$/.test(line)) continue;
    const [, indent, key = "", value = ""] = /^(\s*)([\w.-]+):(?:\s+(.*))?$/.exec(line) ?? [];
    if (indent === undefined) throw new Failure(`${place}: not a line "key: value"`);
    if (indent === "") isWithin = key === "options";
    else if (isWithin) options.set(key, parseScalar(value.trim(), place));
  }
  return options;
}

function parseScalar(value: string, place: string): string {
  const [, single, plain] =
    /^'((?:[^']|'')*)'\s*(?:#.*)?$|^([^'"|>&*![{#%@`].*)$/.exec(value) ?? [];
  if (single !== undefined) return single.replaceAll("''", "'");
  if (plain !== undefined) return plain.replace(/\s+#.*$/, "");
  const [, double] = /^("(?:[^"\\]|\\.)*")\s*(?:#.*)?$/.exec(value) ?? [];
  if (value === "" || value.startsWith("#")) return "";
  try {
    return JSON.parse(double ?? "") as string;
  } catch (cause) {
    throw new Failure(`${place}: cannot read this value; write one line of text`, { cause });
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new Failure(`cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}
