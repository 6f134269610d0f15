import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readInstances } from "../catalogue.ts";
import { writeDumpReport } from "../dump-report.ts";
import { DumpWatch, type Result } from "../dump-watch.ts";
import { parseGpDumpOptions } from "../gp-dump-options.ts";
import { runTool } from "../program.ts";
import type { GreenplumState } from "../state.ts";

/**
 * Stands for gp_dump. Asked to end, it waits until all agents have been launched, and then says that
 * every instance has succeeded.
 */
async function main(state: GreenplumState, args: readonly string[]): Promise<number> {
  const asked = Promise.withResolvers<void>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => asked.resolve());
  const options = parseGpDumpOptions(args, state);
  const { coordinator, current } = await readInstances(options.port);
  const watches = [coordinator, ...current].map(
    (instance) => new DumpWatch(state, options, instance),
  );
  await Promise.all(watches.map(({ launched }) => launched));
  await writeFile(join(options.reportFolder, `gp_lockfile_${options.names.key.slice(8)}`), "");
  const success: Result = { kind: "succeeded" };
  const fabricated = asked.promise.then(() =>
    watches.map(({ instance }) => ({ instance, result: success })),
  );
  const real = Promise.all(
    watches.map(async ({ instance, result }) => ({ instance, result: await result })),
  );
  return await writeDumpReport(options, await Promise.race([fabricated, real]));
}

await runTool(main);
