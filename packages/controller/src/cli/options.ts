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
    default: "/etc/penstock/penstock.yaml",
    describe: "The controller's configuration file",
  },
  output: {
    alias: "o",
    choices: ["text", "json"] as const,
    default: "text",
    describe: "For people or for programs",
  },
};
