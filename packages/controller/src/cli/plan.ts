import type { CommandModule } from "yargs";
import { toSetName } from "../catalogue/keys.ts";
import type { RunPlan } from "../producers/producer.ts";
import { createProducer } from "../producers/producers.ts";
import { Loaded } from "./loaded.ts";
import type { GlobalArguments } from "./options.ts";
import { print } from "./print.ts";
import { table } from "./table.ts";

interface PlanArguments extends GlobalArguments {
  readonly plan: string;
}

/** `penstock plan PLAN`: what a backup would do now. Reaches no host. */
export const planCommand: CommandModule<GlobalArguments, PlanArguments> = {
  command: "plan <plan>",
  describe: "Show what a backup would do: streams, tools and files; nothing is started",
  builder: (yargs) =>
    yargs.positional("plan", { type: "string", demandOption: true, describe: "The plan's name" }),
  async handler({ config, output, plan }) {
    await using loaded = new Loaded(config);
    const { producer } = loaded.plan(plan);
    const set = toSetName(new Date());
    const origin = ["plans", plan, "producer"];
    const planned = createProducer(producer, origin, loaded.errorAt).planBackup(set);
    const text = output === "json" ? toJson(plan, set, planned) : describe(plan, set, planned);
    print(text);
  },
};

/** Without the environment, which may hold passwords, and the places in the file. */
function toJson(plan: string, set: string, { streams, tools, files }: RunPlan): string {
  const shown = {
    plan,
    set,
    streams: streams.map(({ origin: _, ...stream }) => stream),
    tools: tools.map(({ origin: _origin, env: _env, ...tool }) => tool),
    files: files.map(({ origin: _, ...file }) => file),
  };
  return `${JSON.stringify(shown, undefined, 2)}\n`;
}

function describe(plan: string, set: string, { streams, tools, files }: RunPlan): string {
  const parts = [
    `plan ${plan}: a set named like ${set}\n`,
    table([
      ["HOST", "STREAM", "KIND", "PATH"],
      ...streams.map(({ host, name, kind, path }) => [host, name, kind, path === "" ? "-" : path]),
    ]),
    table([
      ["HOST", "TOOL", "ARGUMENTS"],
      ...tools.map(({ host, tool, args }) => [host, tool, args.map(quoted).join(" ")]),
    ]),
  ];
  if (files.length > 0) {
    const rows = files.map(({ host, glob }) => [host, glob]);
    parts.push(table([["HOST", "FILES COLLECTED AFTERWARDS"], ...rows]));
  }
  return parts.join("\n");
}

function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
