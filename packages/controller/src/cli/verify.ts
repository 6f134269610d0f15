import { type Manifest, type Receipt, toPenstockError } from "@penstock/common";
import type { CommandModule } from "yargs";
import { assertCommitted } from "../catalogue/catalogue.ts";
import type { Mover } from "../mover/jobs.ts";
import { openMoverPool } from "../mover/mover-pool.ts";
import { runLimited } from "../run/limits.ts";
import { joined } from "../run/together.ts";
import type { Reporter } from "../runs/report.ts";
import type { TargetConfig } from "../targets/targets.ts";
import { onCancel } from "./cancellation.ts";
import { Loaded } from "./loaded.ts";
import type { GlobalArguments } from "./options.ts";
import { print, printJson } from "./print.ts";
import { openReport } from "./run-report.ts";
import { findNamedSet, type SetArguments, setArgument } from "./set-argument.ts";

/** `penstock verify SET`: every byte is read back and checked; all that is damaged is reported. */
export const verifyCommand: CommandModule<GlobalArguments, SetArguments> = {
  command: "verify <set>",
  describe: "Read a set back from its target and check every byte",
  builder: (yargs) => setArgument(yargs),
  async handler(args) {
    const signal = onCancel();
    const verified = await openReport(args.output, { set: args.set }, async (report) => {
      await using loaded = new Loaded(args.config);
      const { manifest, target } = await findNamedSet(loaded, args, signal);
      assertCommitted(manifest);
      const { movers } = loaded.config;
      const mover = loaded.use(openMoverPool(movers, loaded.tls));
      const verifying = { mover, target: target.config, atATime: movers, report };
      await verifyStreams(manifest.streams, verifying, signal);
      return manifest;
    });
    if (args.output === "json") printJson(toResult(verified));
    else print(toText(verified));
  },
};

interface Verifying {
  readonly mover: Mover;
  readonly target: TargetConfig;
  /** How many streams. */
  readonly atATime: number;
  readonly report: Reporter;
}

/** Goes through all streams, also after damage, and throws everything that it has found. */
async function verifyStreams(
  streams: readonly Receipt[],
  verifying: Verifying,
  signal: AbortSignal,
): Promise<void> {
  const errors: unknown[] = [];
  const verifyOne = async (receipt: Receipt): Promise<void> => {
    const error = await findDamage(receipt, verifying, signal);
    if (error !== undefined) errors.push(error);
  };
  const { atATime } = verifying;
  await runLimited(streams, { perHost: atATime, total: atATime }, verifyOne, signal);
  if (errors.length > 0) throw joined(errors);
}

/** Why a stream is not what was stored; `undefined` if it is. */
async function findDamage(
  receipt: Receipt,
  { mover, target, report }: Verifying,
  signal: AbortSignal,
): Promise<Error | undefined> {
  const { name: stream, host, bytesStored } = receipt;
  const onProgress = (bytes: number): void =>
    report({ event: "stream", stream, host, state: "flowing", bytes });
  const events = { onAttached() {}, onProgress, onWaiting() {}, onReconnect() {} };
  try {
    await mover.verify({ target, receipt }, events, signal);
    report({ event: "stream", stream, host, state: "done", bytes: bytesStored });
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    report({ event: "stream", stream, host, state: "failed", bytes: 0 });
    return toPenstockError(error, stream);
  }
}

function toResult({ set, plan, streams }: Manifest): object {
  return { event: "result", plan, set, status: "verified", streams: streams.length };
}

function toText({ set, streams }: Manifest): string {
  return `set ${set} is whole: ${streams.length} streams, every byte is what was stored\n`;
}
