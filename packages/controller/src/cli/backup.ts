import type { Manifest } from "@penstock/common";
import type { CommandModule } from "yargs";
import { backup } from "../run/backup.ts";
import { onCancel } from "./cancellation.ts";
import { Loaded } from "./loaded.ts";
import type { GlobalArguments } from "./options.ts";
import { print, printJson } from "./print.ts";
import { openRunContext } from "./run-context.ts";
import { openReport } from "./run-report.ts";
import { humanBytes } from "./table.ts";

interface BackupArguments extends GlobalArguments {
  readonly plan: string;
}

/** `penstock backup PLAN`. */
export const backupCommand: CommandModule<GlobalArguments, BackupArguments> = {
  command: "backup <plan>",
  describe: "Run a plan: one committed set, or none",
  builder: (yargs) =>
    yargs.positional("plan", { type: "string", demandOption: true, describe: "The plan's name" }),
  async handler({ config, output, plan }) {
    const signal = onCancel();
    const manifest = await openReport(output, { plan }, async (report) => {
      await using loaded = new Loaded(config);
      return await backup(await openRunContext(loaded, plan, report, signal), signal);
    });
    if (output === "json") printJson({ event: "result", ...manifest });
    else print(summary(manifest));
  },
};

function summary({ set, streams, startedAt, endedAt }: Manifest): string {
  const raw = streams.reduce((sum, stream) => sum + stream.bytesRaw, 0);
  const stored = streams.reduce((sum, stream) => sum + stream.bytesStored, 0);
  const seconds = Math.max(0.001, (Date.parse(endedAt) - Date.parse(startedAt)) / 1000);
  const sizes = `${humanBytes(raw)} (${humanBytes(stored)} stored)`;
  const pace = `${seconds.toFixed(1)} s, ${humanBytes(raw / seconds)}/s`;
  return `set ${set} is committed: ${streams.length} streams, ${sizes} in ${pace}\n`;
}
