import { type Receipt, toPenstockError } from "@penstock/common";
import type { CommandModule } from "yargs";
import { openMoverPool } from "../mover/mover-pool.ts";
import { runLimited } from "../run/limits.ts";
import { joined } from "../run/together.ts";
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
    await using loaded = new Loaded(args.config);
    const { manifest, target } = await findNamedSet(loaded, args, signal);
    const { movers } = loaded.config;
    const mover = loaded.use(openMoverPool(movers, loaded.tls));
    await openReport(args.output, async (report) => {
      const errors: unknown[] = [];
      const verifyOne = async (receipt: Receipt): Promise<void> => {
        const { name: stream, host } = receipt;
        const onProgress = (bytes: number): void =>
          report({ event: "stream", stream, host, state: "flowing", bytes });
        const events = { onAttached() {}, onProgress, onReconnect() {} };
        try {
          await mover.verify({ target: target.config, receipt }, events, signal);
          report({ event: "stream", stream, host, state: "done", bytes: receipt.bytesStored });
        } catch (error) {
          signal.throwIfAborted();
          errors.push(toPenstockError(error, stream));
          report({ event: "stream", stream, host, state: "failed", bytes: 0 });
        }
      };
      const limits = { perHost: movers, total: movers };
      await runLimited(manifest.streams, limits, verifyOne, signal);
      if (errors.length > 0) throw joined(errors);
    });
    const { set, streams } = manifest;
    if (args.output === "json") printJson({ event: "result", set, status: "verified", streams: streams.length });
    else print(`set ${set} is whole: ${streams.length} streams, every byte is what was stored\n`);
  },
};
