import { readFile } from "node:fs/promises";
import { BackendCall } from "../backend-client.ts";
import { type Instance, readInstances } from "../catalogue.ts";
import { dispatch } from "../dispatch.ts";
import { type GpRestoreOptions, parseGpRestoreOptions } from "../gp-restore-options.ts";
import { runTool } from "../program.ts";
import { type Part, type RestoreLaunch, toRestoreLaunch } from "../restore-launch.ts";
import { type Restored, writeRestoreReport } from "../restore-report.ts";
import type { GreenplumState } from "../state.ts";

/**
 * Stands for gp_restore: the schema, then all segments at once, then what comes after the data. Asked to
 * end, it ends what the servers do for it first.
 */
async function main(state: GreenplumState, args: readonly string[]): Promise<number> {
  const options = parseGpRestoreOptions(args);
  const { parts, database, dbids, port = state.coordinator.port } = options;
  const run = new RestorePass(state, options);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => run.cancel());
  const instances = await readInstances(port);
  const restored: Restored[] = [];
  if (parts.schema) {
    restored.push(await run.restore(instances.coordinator, "schema"));
    await dispatch(state, instances, database, "pre-data");
  }
  if (parts.data) {
    const segments = instances.current.filter(({ dbid }) => dbids?.includes(dbid) ?? true);
    const restores = segments.map((segment) => run.restore(segment, "data"));
    restored.push(...(await Promise.all(restores)));
  }
  if (parts.postData) {
    restored.push(await run.restore(instances.coordinator, "post-data"));
    await dispatch(state, instances, database, "post-data");
  }
  return await writeRestoreReport(options, restored);
}

/** What one gp_restore has its servers do. */
class RestorePass {
  readonly #state: GreenplumState;
  readonly #options: GpRestoreOptions;
  readonly #calls = new Set<BackendCall>();
  #isCancelled = false;

  constructor(state: GreenplumState, options: GpRestoreOptions) {
    this.#state = state;
    this.#options = options;
  }

  async restore(instance: Instance, part: Part): Promise<Restored> {
    const launch = await toRestoreLaunch(this.#state, this.#options, instance, part);
    const { path } = launch;
    if (this.#isCancelled) return { instance, path, status: 1, text: "cancelled" };
    const call = await BackendCall.start(this.#state.backendSocket, launch.request);
    this.#calls.add(call);
    const [status = 1] = await call.answer;
    this.#calls.delete(call);
    return { instance, path, status, text: status === 0 ? "" : await errorsOf(launch) };
  }

  cancel(): void {
    this.#isCancelled = true;
    for (const call of this.#calls) call.cancel();
  }
}

/** The lines of the agent's status that tell what went wrong. */
async function errorsOf({ request }: RestoreLaunch): Promise<string> {
  const [, path = ""] = /--status=([^' ]+)/.exec(request.commands[0] ?? "") ?? [];
  const lines = (await readFile(path, "utf8").catch(() => "")).split("\n");
  return lines.filter((line) => /ERROR/.test(line)).join("\n");
}

await runTool(main);
