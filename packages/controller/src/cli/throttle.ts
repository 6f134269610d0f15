import { type BytesPerSecond, formatRate, PenstockError, parseRate } from "@penstock/common";
import type { CommandModule } from "yargs";
import { askThrottle } from "../runs/control-client.ts";
import { onCancel } from "./cancellation.ts";
import { Loaded } from "./loaded.ts";
import type { GlobalArguments } from "./options.ts";
import { print, printJson } from "./print.ts";
import { findRunning, type RunArguments, runArgument } from "./run-argument.ts";

interface ThrottleArguments extends RunArguments {
  readonly rate: string;
}

/** `penstock throttle RUN RATE|off`: holds from now until the run ends. */
export const throttleCommand: CommandModule<GlobalArguments, ThrottleArguments> = {
  command: "throttle <run> <rate>",
  describe: "Change how fast a run may go, while it goes on",
  builder: (yargs) =>
    runArgument(yargs).positional("rate", {
      type: "string",
      demandOption: true,
      describe: "Like 10MiB/s, for the whole run; or off",
    }),
  async handler({ config, output, run: name, rate: text }) {
    const signal = onCancel();
    const rate = parseRate(text);
    await using loaded = new Loaded(config);
    const { folder } = await findRunning(loaded, name, signal);
    if (!(await askThrottle(folder, rate, signal))) {
      throw new PenstockError("not_found", `run ${folder.run} has just ended`);
    }
    if (output === "json") printJson({ run: folder.run, throttle: rate ?? null });
    else print(`run ${folder.run} ${describe(rate)}\n`);
  },
};

function describe(rate: BytesPerSecond | undefined): string {
  return rate === undefined ? "is not throttled any more" : `may now move ${formatRate(rate)}`;
}
