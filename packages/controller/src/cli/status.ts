import { systemClock } from "@penstock/common";
import type { CommandModule } from "yargs";
import { joined } from "../run/together.ts";
import { listRunning, type RunningRun } from "../runs/find-run.ts";
import type { RunSnapshot } from "../runs/run-snapshot.ts";
import { onCancel } from "./cancellation.ts";
import { deadRunLines } from "./dead-run-lines.ts";
import { Loaded } from "./loaded.ts";
import type { GlobalArguments } from "./options.ts";
import { print, printJson } from "./print.ts";
import { printable } from "./printable.ts";
import { streamLines, totalLine } from "./status-lines.ts";

const REDRAW_EVERY_MS = 1_000;
/** Of a screen whose size is not known. */
const USUAL_ROWS = 24;
/** Of a run beside its streams: what it is, its total, the heading, an empty line. */
const OTHER_ROWS = 4;
const CLEAR_SCREEN = "\x1b[H\x1b[2J";

interface StatusArguments extends GlobalArguments {
  readonly watch: boolean;
}

/** `penstock status`: what runs on this host. */
export const statusCommand: CommandModule<GlobalArguments, StatusArguments> = {
  command: "status",
  describe: "What runs on this host: streams, bytes, rates, when it may end",
  builder: (yargs) =>
    yargs.option("watch", {
      type: "boolean",
      default: false,
      describe: "Show it again every second until nothing runs any more",
    }),
  async handler({ config, output, watch }) {
    const signal = onCancel();
    await using loaded = new Loaded(config);
    const { runDirectory, cluster } = loaded.config;
    const look = (): Promise<RunningRun[]> => listRunning(runDirectory, cluster, signal);
    const runs = watch ? await watchRuns(look, output, signal) : await look();
    if (!watch) show(runs, output);
    if (output === "text") for (const line of await deadRunLines(loaded)) print(`${line}\n`);
    const errors = runs.flatMap(({ error }) => error ?? []);
    if (errors.length > 0) throw joined(errors);
  },
};

/** Returns what is left when nothing runs any more: nothing, or runs that do not answer. */
async function watchRuns(
  look: () => Promise<RunningRun[]>,
  output: GlobalArguments["output"],
  signal: AbortSignal,
): Promise<RunningRun[]> {
  for (;;) {
    const runs = await look();
    if (process.stdout.isTTY) print(CLEAR_SCREEN);
    show(runs, output);
    if (runs.every(({ snapshot }) => snapshot === undefined)) return runs;
    await systemClock.delay(REDRAW_EVERY_MS, signal);
  }
}

function show(runs: readonly RunningRun[], output: GlobalArguments["output"]): void {
  const snapshots = runs.flatMap(({ snapshot }) => snapshot ?? []);
  if (output === "json") printJson(snapshots);
  else if (runs.length === 0) print("nothing runs\n");
  else print(snapshots.map((run) => describe(run, rowsFor(snapshots.length))).join("\n"));
}

/** As many streams of each run as fit on the screen together. */
function rowsFor(runs: number): number {
  const rows = process.stdout.isTTY ? process.stdout.rows : USUAL_ROWS;
  return Math.max(1, Math.floor((rows - 1) / Math.max(runs, 1)) - OTHER_ROWS);
}

function describe(run: RunSnapshot, most: number): string {
  const { kind, plan, set, startedAt, pid, throttle, warnings } = run;
  const what = kind === "backup" ? "backup" : `restore of set ${set}`;
  const last = warnings.slice(-1).map((warning) => `warning: ${printable(warning)}`);
  const lines = [
    `run ${run.run}: ${what}, plan ${plan}, since ${startedAt}, process ${pid}`,
    totalLine(run, throttle),
    ...last,
    ...streamLines(run.streams, most - last.length),
  ];
  return `${lines.join("\n")}\n`;
}
