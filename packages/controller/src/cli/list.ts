import type { CommandModule } from "yargs";
import { listSets, type SetSummary } from "../catalogue/catalogue.ts";
import { isRunningOn } from "../run/is-running.ts";
import { joined } from "../run/together.ts";
import { onCancel } from "./cancellation.ts";
import { Loaded } from "./loaded.ts";
import type { GlobalArguments } from "./options.ts";
import { print } from "./print.ts";
import { targetOption } from "./set-argument.ts";
import { settleDeadRuns } from "./settle-dead-runs.ts";
import { humanBytes, table } from "./table.ts";

interface ListArguments extends GlobalArguments {
  readonly target: string | undefined;
}

/** `penstock list`. */
export const listCommand: CommandModule<GlobalArguments, ListArguments> = {
  command: "list",
  describe: "All sets of the cluster, newest first",
  builder: (yargs) => targetOption(yargs),
  async handler({ config, output, target }) {
    const signal = onCancel();
    await using loaded = new Loaded(config);
    await settleDeadRuns(loaded, signal);
    const targets = await loaded.targets(target === undefined ? undefined : [target], signal);
    const { cluster, agents } = loaded.config;
    const isRunning = isRunningOn(
      (hosts) => loaded.agents(hosts.filter((host) => Object.hasOwn(agents, host))),
      signal,
    );
    const { sets, damaged } = await listSets(targets, cluster, isRunning, signal);
    print(output === "json" ? `${JSON.stringify(sets, undefined, 2)}\n` : toTable(sets));
    if (damaged.length > 0) throw joined(damaged);
  },
};

function toTable(sets: readonly SetSummary[]): string {
  if (sets.length === 0) return "no sets\n";
  const headings = ["SET", "PLAN", "STATUS", "ENDED", "STREAMS", "RAW", "STORED", "TARGET"];
  const rows = sets.map((set) => [
    set.set,
    set.plan,
    set.status,
    set.endedAt ?? "-",
    String(set.streams),
    humanBytes(set.bytesRaw),
    humanBytes(set.bytesStored),
    set.target,
  ]);
  return table([headings, ...rows]);
}
