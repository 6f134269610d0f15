import { type Manifest, PenstockError, sizesOf } from "@penstock/common";
import type { CommandModule } from "yargs";
import { notingOutcome } from "../metrics/noting-outcome.ts";
import { backup, backupListed } from "../run/backup.ts";
import { resumeBackup } from "../run/resume.ts";
import { findDeadRuns } from "../runs/find-dead.ts";
import { readJournal } from "../runs/journal.ts";
import type { Reporter } from "../runs/report.ts";
import { listRunFolders } from "../runs/run-folder.ts";
import { onCancel } from "./cancellation.ts";
import { warnByStatus } from "./done-with-warnings.ts";
import { planOfLists, readFileLists } from "./file-lists.ts";
import { Loaded } from "./loaded.ts";
import type { GlobalArguments } from "./options.ts";
import { print, printJson } from "./print.ts";
import { openRunContext } from "./run-context.ts";
import { openReport } from "./run-report.ts";
import { settleDeadRuns } from "./settle-dead-runs.ts";
import { humanBytes } from "./table.ts";

interface BackupArguments extends GlobalArguments {
  readonly plan: string | undefined;
  readonly resume: string | undefined;
  readonly "from-lists": readonly string[] | undefined;
}

/** `penstock backup PLAN`, `penstock backup [PLAN] --from-lists …`, or `penstock backup --resume SET`. */
export const backupCommand: CommandModule<GlobalArguments, BackupArguments> = {
  command: "backup [plan]",
  describe: "Run a plan: one committed set, or none",
  builder: (yargs) =>
    yargs
      .positional("plan", { type: "string", describe: "The plan's name" })
      .option("resume", {
        type: "string",
        requiresArg: true,
        describe: "Go on with this set: its controller was killed on this host a moment ago",
      })
      .option("from-lists", {
        type: "string",
        array: true,
        nargs: 2,
        describe:
          "PIPES REGULAR_FILES: take what a gpcrondump that others start writes, by the lists it has made",
      })
      .check(({ plan, resume, "from-lists": lists }) => {
        const isNew = plan !== undefined || lists !== undefined;
        if (isNew === (resume === undefined)) return true;
        throw new PenstockError("usage", "name a plan, or a set with --resume", {
          hint: "see: penstock backup --help",
        });
      }),
  async handler({ config, output, plan, resume: set, "from-lists": paths }) {
    const signal = onCancel();
    const about = {
      ...(plan === undefined ? {} : { plan }),
      ...(set === undefined ? {} : { set }),
    };
    const manifest = await openReport(output, about, async (report) => {
      await using loaded = new Loaded(config);
      if (set !== undefined) return await resume(loaded, set, report, signal);
      const context = await openRunContext(loaded, plan ?? planOfLists(loaded), report, signal);
      const lists = paths === undefined ? undefined : await readFileLists(paths);
      await settleDeadRuns(loaded, signal);
      return await notingOutcome(context, () =>
        lists === undefined ? backup(context, signal) : backupListed(context, lists, signal),
      );
    });
    const { warnings = [] } = manifest;
    if (output === "json") printJson({ event: "result", ...manifest, warnings });
    else print(summary(manifest));
    warnByStatus(warnings);
  },
};

async function resume(
  loaded: Loaded,
  set: string,
  report: Reporter,
  signal: AbortSignal,
): Promise<Manifest> {
  const { runDirectory, cluster } = loaded.config;
  const folders = await listRunFolders(runDirectory, cluster);
  const folder = folders.find(({ run }) => run === set);
  const journal = folder === undefined ? undefined : await readJournal(folder);
  if (folder === undefined || journal === undefined) {
    const others: string[] = [];
    for await (const dead of findDeadRuns(runDirectory, cluster)) others.push(dead.folder.run);
    throw nothingToResume(set, others);
  }
  const context = await openRunContext(loaded, journal.head.plan, report, signal);
  return await notingOutcome(context, () => resumeBackup(context, folder, signal));
}

function nothingToResume(set: string, others: readonly string[]): PenstockError {
  const there = others.length === 0 ? "none here" : others.join(", ");
  const message = `this host has no unfinished backup ${set}`;
  return new PenstockError("not_found", message, { hint: `those that can be resumed: ${there}` });
}

function summary({ set, streams, startedAt, endedAt }: Manifest): string {
  const { bytesRaw: raw, bytesStored: stored } = sizesOf(streams);
  const seconds = Math.max(0.001, (Date.parse(endedAt) - Date.parse(startedAt)) / 1000);
  const sizes = `${humanBytes(raw)} (${humanBytes(stored)} stored)`;
  const pace = `${seconds.toFixed(1)} s, ${humanBytes(raw / seconds)}/s`;
  return `set ${set} is committed: ${streams.length} streams, ${sizes} in ${pace}\n`;
}
