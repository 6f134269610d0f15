import { parseArgs } from "node:util";
import { AgentRun } from "../agent-run.ts";
import { AgentStatus } from "../agent-status.ts";
import { readState } from "../state.ts";

/** No agent of a test lives longer. */
const LIFE_LIMIT_MS = 15 * 60_000;

/** Stands for gp_dump_agent: dumps one instance to standard output. */
async function main(args: readonly string[]): Promise<void> {
  const filters = ["table-file", "exclude-table-file", "schema-file", "exclude-schema-file"];
  const text = { type: "string" } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      "gp-k": text,
      "gp-d": text,
      p: { type: "string", short: "p" },
      U: { type: "string", short: "U" },
      prefix: text,
      content: text,
      ...Object.fromEntries(filters.map((name) => [name, text])),
    },
  });
  const state = await readState();
  const given: Readonly<Record<string, string | boolean | undefined>> = values;
  const [filter] = filters.filter((name) => given[name] !== undefined);
  const run = new AgentRun(state, new AgentStatus("gp_dump_agent"), {
    channel: String(values["gp-k"]),
    folder: String(values["gp-d"]),
    port: Number(values.p),
    database: positionals[0] ?? "",
    prefix: values.prefix ?? "",
    content: Number(values.content),
    ...(filter === undefined ? {} : { filter, filterFile: String(given[filter]) }),
  });
  process.on("SIGTERM", () => run.cancel());
  // The process ends by itself once its last bytes have been taken: never before.
  process.exitCode = await run.dump();
}

setTimeout(() => process.kill(process.pid, "SIGKILL"), LIFE_LIMIT_MS).unref();
await main(process.argv.slice(2));
