import { stringify } from "yaml";
import type { CommandModule } from "yargs";
import { toPrintable } from "../config-printable.ts";
import { controllerJsonSchema } from "../config-schema.ts";
import { Loaded } from "./loaded.ts";
import type { GlobalArguments } from "./options.ts";
import { print } from "./print.ts";

interface ConfigArguments extends GlobalArguments {
  readonly schema: boolean;
}

/** `penstock config`: the configuration as it is understood, with defaults and without secrets. */
export const configCommand: CommandModule<GlobalArguments, ConfigArguments> = {
  command: "config",
  describe: "Print the configuration as it is understood, or its JSON Schema",
  builder: (yargs) =>
    yargs.option("schema", {
      type: "boolean",
      default: false,
      describe: "Print the JSON Schema of the file instead, for editors",
    }),
  async handler({ config, output, schema }) {
    if (schema) return print(toJson(controllerJsonSchema()));
    await using loaded = new Loaded(config);
    const printable = toPrintable(loaded.config);
    print(output === "json" ? toJson(printable) : stringify(printable));
  },
};

function toJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
