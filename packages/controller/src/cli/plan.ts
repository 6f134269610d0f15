import type { CommandModule } from "yargs";
import { toSetName } from "../catalogue/keys.ts";
import type { Inquiry, RunPlan } from "../producers/producer.ts";
import { Loaded } from "./loaded.ts";
import type { GlobalArguments } from "./options.ts";
import { toInquiryText, toPlanText, toShownTool } from "./plan-text.ts";
import { print } from "./print.ts";

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
    const producer = loaded.producer(plan);
    const set = toSetName(new Date());
    const inquiry = producer.inquireBackup?.(set);
    const shown = inquiry === undefined ? toShown(producer.planBackup(set)) : toAsked(inquiry);
    if (output === "json") print(`${JSON.stringify({ plan, set, ...shown.json }, undefined, 2)}\n`);
    else print(`plan ${plan}: a set named like ${set}\n\n${shown.text}`);
  },
};

interface Shown {
  readonly json: object;
  readonly text: string;
}

function toShown(planned: RunPlan): Shown {
  const json = {
    streams: planned.streams.map(({ origin: _, ...stream }) => stream),
    tools: planned.tools.map(toShownTool),
    files: planned.files.map(({ origin: _, ...file }) => file),
  };
  return { json, text: toPlanText(planned) };
}

/** Its streams are known only when the hosts were asked, which this command does not do. */
function toAsked(inquiry: Inquiry): Shown {
  const { tools, files } = inquiry;
  return { json: { asks: { tools: tools.map(toShownTool), files } }, text: toInquiryText(inquiry) };
}
