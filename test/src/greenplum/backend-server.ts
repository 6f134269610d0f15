import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";

/** What a database server is asked to run on its host. */
export interface BackendRequest {
  readonly shell: "/bin/sh" | "/bin/bash";
  /** Run one after the other. */
  readonly commands: readonly string[];
  /** Whether the answer waits for them. */
  readonly waits: boolean;
}

/** Where to listen, and how commands run. */
export interface BackendServerOptions {
  readonly socketPath: string;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** No command lives longer, whatever happens. */
const LIFE_LIMIT_MS = 15 * 60_000;

/**
 * Stands for the database servers where they fork: commands run as children of this process, each as
 * the leader of its own session, with the server's environment in place of the caller's, with
 * SIGPIPE ignored and files made for their owner alone. A caller that dies changes nothing.
 * Disposing of it kills all that still runs.
 */
export class BackendServer implements AsyncDisposable {
  readonly #options: BackendServerOptions;
  readonly #server: Server;
  readonly #running = new Set<ChildProcess>();
  readonly #killAll = (): void => {
    for (const child of this.#running) signalSession(child, "SIGKILL");
  };

  private constructor(options: BackendServerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => void this.#serve(socket));
    process.once("exit", this.#killAll);
  }

  static async listen(options: BackendServerOptions): Promise<BackendServer> {
    const server = new BackendServer(options);
    server.#server.listen(options.socketPath);
    await once(server.#server, "listening");
    return server;
  }

  /** The process numbers of the commands that run, each also its session's. */
  get running(): readonly number[] {
    return [...this.#running].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off("exit", this.#killAll);
    this.#server.close();
    const ended = [...this.#running]
      .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
      .map((child) => once(child, "exit"));
    this.#killAll();
    await Promise.all(ended);
  }

  async #serve(socket: Socket): Promise<void> {
    const current: { child?: ChildProcess; isCancelled?: boolean } = {};
    for await (const line of linesOf(socket)) {
      if (line === "cancel") {
        current.isCancelled = true;
        if (current.child) signalSession(current.child, "SIGTERM");
      } else {
        void this.#answer(JSON.parse(line) as BackendRequest, current, socket);
      }
    }
  }

  async #answer(
    { shell, commands, waits }: BackendRequest,
    current: { child?: ChildProcess; isCancelled?: boolean },
    socket: Socket,
  ): Promise<void> {
    if (!waits) socket.write("[]\n");
    const statuses: number[] = [];
    for (const command of commands) {
      if (current.isCancelled) break;
      current.child = this.#start(shell, command);
      statuses.push(await this.#ended(current.child));
    }
    if (waits && socket.writable) socket.write(`${JSON.stringify(statuses)}\n`);
  }

  #start(shell: string, command: string): ChildProcess {
    const { env, cwd } = this.#options;
    // `exec` so that the process is exactly the one that a server would fork.
    const setUp = `trap '' PIPE; umask 077; exec ${shell} -c "$1"`;
    const child = spawn("/bin/sh", ["-c", setUp, "sh", command], {
      detached: true,
      stdio: "ignore",
      env,
      cwd,
    });
    this.#running.add(child);
    return child;
  }

  async #ended(child: ChildProcess): Promise<number> {
    const limit = setTimeout(() => signalSession(child, "SIGKILL"), LIFE_LIMIT_MS);
    await once(child, "exit");
    clearTimeout(limit);
    this.#running.delete(child);
    return child.exitCode ?? 128;
  }
}

/** Up to the end of the caller: its backend goes on. */
async function* linesOf(socket: Socket): AsyncGenerator<string, void, undefined> {
  socket.on("error", () => {});
  try {
    yield* createInterface({ input: socket });
  } catch {
    // The caller died with an answer on its way.
  }
}

function signalSession({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended by itself.
  }
}
