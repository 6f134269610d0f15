import { type Manifest, PenstockError } from "@penstock/common";
import type { Argv, CommandModule } from "yargs";
import { findByStream } from "../catalogue/find-by-stream.ts";
import { notingOutcome } from "../metrics/noting-outcome.ts";
import { configName } from "../producers/gpbackup/plugin-key.ts";
import { AS_PLANNED, type Producer, type RunPlan } from "../producers/producer.ts";
import { backup } from "../run/backup.ts";
import type { RunContext } from "../run/context.ts";
import { restore } from "../run/restore.ts";
import { onCancel } from "./cancellation.ts";
import { warnByStatus } from "./done-with-warnings.ts";
import { type GpbackupArguments, gpbackupArguments, gpbackupPlan } from "./gpbackup-arguments.ts";
import { Loaded } from "./loaded.ts";
import type { GlobalArguments } from "./options.ts";
import { print, printJson } from "./print.ts";
import { openRunContext } from "./run-context.ts";
import { openReport } from "./run-report.ts";
import { settleDeadRuns } from "./settle-dead-runs.ts";
import { processGone } from "./watch-process.ts";

interface ServeArguments extends GpbackupArguments {
  readonly "client-pid": number | undefined;
}

/** `penstock gpbackup backup PLAN --timestamp TS`. */
export const gpbackupBackupCommand: CommandModule<GlobalArguments, ServeArguments> = {
  command: "backup <plan>",
  describe: "Make one set of what a gpbackup that is running hands over",
  builder: serveArguments,
  async handler({ config, output, plan, timestamp, "client-pid": pid }) {
    const cancelled = onCancel();
    const manifest = await openReport(output, { plan }, async (report) => {
      await using loaded = new Loaded(config);
      const { coordinator: host } = gpbackupPlan(loaded, plan).producer;
      const over = new AbortController();
      const signal = AbortSignal.any([cancelled, over.signal]);
      const opened = await openRunContext(loaded, plan, report, signal);
      const gone = pid === undefined ? undefined : processGone(pid, cancelled);
      gone?.then(
        () => over.abort(leftUnfinished(host, pid)),
        (error: unknown) => over.abort(error),
      );
      const context = serving(opened, {
        tool: "gpbackup",
        host,
        gone,
        sign: configName(timestamp),
      });
      await settleDeadRuns(loaded, signal);
      return await notingOutcome(context, () => backup(context, signal));
    });
    const { warnings = [] } = manifest;
    if (output === "json") printJson({ event: "result", ...manifest, warnings });
    else print(`set ${manifest.set} of timestamp ${timestamp} is committed\n`);
    warnByStatus(warnings);
  },
};

/** `penstock gpbackup restore PLAN --timestamp TS`. */
export const gpbackupRestoreCommand: CommandModule<GlobalArguments, ServeArguments> = {
  command: "restore <plan>",
  describe: "Give a gprestore that is running what it wants",
  builder: serveArguments,
  async handler({ config, output, plan, timestamp, "client-pid": pid }) {
    const signal = onCancel();
    const { set, warnings } = await openReport(output, { plan }, async (report) => {
      await using loaded = new Loaded(config);
      const { coordinator: host } = gpbackupPlan(loaded, plan).producer;
      const opened = await openRunContext(loaded, plan, report, signal);
      const gone = pid === undefined ? undefined : processGone(pid, signal);
      gone?.catch(() => {}); // whoever waits for it is told
      const sign = configName(timestamp);
      const context = serving(opened, { tool: "gprestore", host, gone, sign });
      const { manifest, target: source } = await findSet(context, sign, signal);
      const done = await restore(context, { manifest, source, options: AS_PLANNED }, signal);
      return { set: manifest.set, warnings: done.warnings };
    });
    const about = { event: "result", set, plan, status: "served" };
    if (output === "json") printJson({ ...about, warnings });
    else print(`gprestore had what it wanted of set ${set}\n`);
    warnByStatus(warnings);
  },
};

function serveArguments(yargs: Argv<GlobalArguments>): Argv<ServeArguments> {
  return gpbackupArguments(yargs).option("client-pid", {
    type: "number",
    requiresArg: true,
    describe: "The tool's process on this host: when it is gone, this ends, too",
    coerce: toPid,
  });
}

function toPid(pid: number): number {
  if (Number.isSafeInteger(pid) && pid > 0) return pid;
  throw new PenstockError("usage", "--client-pid: allowed: the number of a process");
}

/** The run as one that starts no tool. */
function serving(context: RunContext, client: NonNullable<RunContext["client"]>): RunContext {
  const { producer } = context;
  const withoutTools = (planned: RunPlan): RunPlan => ({ ...planned, tools: [] });
  const served: Producer = {
    planBackup: (...asked) => withoutTools(producer.planBackup(...asked)),
    planRestore: (...asked) => withoutTools(producer.planRestore(...asked)),
  };
  return { ...context, producer: served, client };
}

async function findSet(
  { targets, cluster, producerType: producer }: RunContext,
  stream: string,
  signal: AbortSignal,
): Promise<{ readonly manifest: Manifest; readonly target: RunContext["targets"][number] }> {
  const found = await findByStream(targets, { cluster, producer, stream }, signal);
  if (found !== undefined) return found;
  throw new PenstockError("not_found", `no committed set of cluster ${cluster} has ${stream}`, {
    hint: "see: penstock list",
  });
}

function leftUnfinished(host: string, pid: number | undefined): PenstockError {
  const message = `gpbackup on ${host} (process ${pid}) has gone before it had handed over all`;
  return new PenstockError("failed", message);
}
