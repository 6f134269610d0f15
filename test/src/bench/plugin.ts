import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median } from "./median.ts";
import { textTable } from "./text-table.ts";

/** Starts of each kind; the median counts. */
const STARTS = 50;
const REPOSITORY = join(import.meta.dirname, "../../..");

interface Contender {
  readonly name: string;
  /** Milliseconds of one start. */
  start(): Promise<number>;
}

/**
 * How long a start of the plugin takes, beside programs that do nothing: gpbackup starts it once for each
 * table and segment. From the start to the first byte that an agent could take; for the others to
 * their end. The kinds take turns, so a machine that becomes slower does so for all.
 */
export async function benchPlugin(signal: AbortSignal): Promise<string> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "penstock-bench-plugin-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const contenders = [
    toEnd("/bin/true", "/bin/true"),
    toEnd("node -e 0", process.execPath, "-e", "0"),
    await createPlugin(folder, stack),
  ];
  const samples = new Map(contenders.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round < STARTS; round++) {
    for (const { name, start } of contenders) {
      signal.throwIfAborted();
      samples.get(name)?.push(await start());
    }
  }
  return toText(samples);
}

/** A program that ends by itself. */
function toEnd(name: string, program: string, ...args: string[]): Contender {
  return {
    name,
    start: async () => {
      const beginMs = performance.now();
      const child = spawn(program, args, { stdio: "ignore" });
      await once(child, "exit");
      return performance.now() - beginMs;
    },
  };
}

/** The plugin as it is installed, with an agent's socket that takes whatever comes. */
async function createPlugin(folder: string, stack: AsyncDisposableStack): Promise<Contender> {
  build();
  const program = join(REPOSITORY, "packages/plugin/bin/gpbackup_penstock_plugin");
  const socket = join(folder, "plugin.sock");
  const config = join(folder, "plugin.yaml");
  await writeFile(
    config,
    `executablepath: ${program}\noptions:\n  plan: bench\n  socket: ${socket}\n`,
  );
  const server = createServer();
  server.listen(socket);
  await once(server, "listening");
  stack.defer(() => void server.close());
  return {
    name: "backup_data, first byte",
    start: async () => {
      const taken = firstByte(server);
      const beginMs = performance.now();
      const child = spawn(program, ["backup_data", config, "/bench"], {
        stdio: ["pipe", "ignore", "ignore"],
      });
      child.stdin.on("error", () => {}); // it is killed while we write
      child.stdin.end("rows");
      await taken;
      const passedMs = performance.now() - beginMs;
      child.kill("SIGKILL");
      await once(child, "exit");
      return passedMs;
    },
  };
}

/** What comes behind the request line is the table's. */
async function firstByte(server: Server): Promise<void> {
  const [socket] = (await once(server, "connection")) as [Socket];
  socket.on("error", () => {}); // the plugin is killed
  let isBehind = false;
  for await (const chunk of socket) {
    const index = (chunk as Buffer).indexOf("\n");
    if (isBehind || (index !== -1 && index + 1 < (chunk as Buffer).length)) break;
    isBehind = index !== -1;
  }
}

function build(): void {
  const tsc = join(REPOSITORY, "node_modules/.bin/tsc");
  const { status, stdout } = spawnSync(tsc, ["--build", join(REPOSITORY, "packages/plugin")]);
  if (status !== 0) throw new Error(`the plugin cannot be built: ${stdout}`);
}

function toText(samples: ReadonlyMap<string, readonly number[]>): string {
  const rows = [...samples].map(([name, times]) => {
    const sorted = times.toSorted((one, other) => one - other);
    const tail = sorted[Math.floor(sorted.length * 0.9)] ?? 0;
    return [name, median(times), sorted[0] ?? 0, tail].map((value) =>
      typeof value === "number" ? value.toFixed(1) : value,
    );
  });
  return textTable([`${STARTS} starts each`, "median ms", "fastest", "9 of 10 within"], rows);
}
