import { PenstockError } from "@penstock/common";
import type { Options } from "yargs";

/** What every command knows. */
export interface GlobalArguments {
  readonly config: string;
  readonly output: "text" | "json";
}

/** The options of every command. */
export const GLOBAL_OPTIONS: Readonly<Record<keyof GlobalArguments, Options>> = {
  config: {
    type: "string",
    requiresArg: true,
    default: "/etc/penstock/penstock.yaml",
    describe: "The controller's configuration file",
  },
  output: {
    alias: "o",
    requiresArg: true,
    choices: ["text", "json"] as const,
    default: "text",
    describe: "For people or for programs",
  },
};

/** The only options that are lists; `--` stands for what is behind it. */
const LISTS: ReadonlySet<string> = new Set(["_", "--", "address", "from-lists", "map", "table"]);

/** Throws `usage` for an option that is given twice, of which yargs makes a list. For `check`. */
export function assertGivenOnce(args: Readonly<Record<string, unknown>>): true {
  const twice = Object.keys(args).find((name) => Array.isArray(args[name]) && !LISTS.has(name));
  if (twice === undefined) return true;
  const dashes = twice.length === 1 ? "-" : "--";
  throw new PenstockError("usage", `${dashes}${twice} is given more than once`);
}
