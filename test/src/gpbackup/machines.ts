import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Child } from "../harness/child.ts";
import { CopyOnSegments, type CopyStatement } from "./copy-on-segments.ts";
import { loginEnv } from "./environment.ts";
import type { ClusterState } from "./state.ts";

/** One request on a connection: a line of JSON. */
export type MachineRequest =
  | { readonly kind: "ssh"; readonly host: string; readonly command: string }
  | ({ readonly kind: "copy" } & CopyStatement);

/** May follow a request for a COPY. */
export interface CancelRequest {
  readonly kind: "cancel";
  readonly content?: number;
}

/** Lines of JSON that answer; the first of an ssh request tells the process, the other its end. */
export type MachineAnswer =
  | { readonly pid: number }
  | { readonly status: number | undefined; readonly stdout: string; readonly stderr: string }
  | { readonly rows: number }
  | { readonly error: string };

/**
 * What is there of the hosts besides gpbackup's own programs: sshd, and the database servers that run the
 * programs of a COPY ... ON SEGMENT. What they have started goes on when the one who asked is gone;
 * disposing ends everything.
 */
export class Machines implements AsyncDisposable {
  readonly #current: () => ClusterState;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #children = new Set<Child>();
  readonly #copies = new Set<CopyOnSegments>();
  readonly #lifetime = new AbortController();
  readonly #limits = new Set<NodeJS.Timeout>();

  private constructor(current: () => ClusterState) {
    this.#current = current;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** `current` tells the cluster's state as it is at each request. */
  static async open(current: () => ClusterState): Promise<Machines> {
    const machines = new Machines(current);
    machines.#server.listen(current().machines);
    await once(machines.#server, "listening");
    return machines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lifetime.abort();
    for (const limit of this.#limits) clearTimeout(limit);
    for (const copy of this.#copies) copy.kill();
    await Promise.all([...this.#children].map((child) => child.stop()));
    await Promise.allSettled([...this.#copies].map(({ rows }) => rows));
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
    await rm(this.#current().machines, { force: true });
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {}); // who asked has ended; what was asked for goes on
    socket.once("close", () => this.#sockets.delete(socket));
    const lines = createInterface({ input: socket });
    lines.on("error", () => {}); // the socket's
    lines.once("line", (line) => void this.#serve(JSON.parse(line), socket, lines));
  }

  async #serve(
    request: MachineRequest,
    socket: Socket,
    lines: ReturnType<typeof createInterface>,
  ): Promise<void> {
    const answer = (line: MachineAnswer): void => void socket.write(`${JSON.stringify(line)}\n`);
    try {
      if (request.kind === "ssh") await this.#run(request, answer);
      else await this.#copy(request, lines, answer);
    } catch (error) {
      answer({ error: error instanceof Error ? error.message : String(error) });
    }
    socket.end();
  }

  async #run(
    { host, command }: Extract<MachineRequest, { kind: "ssh" }>,
    answer: (line: MachineAnswer) => void,
  ): Promise<void> {
    const options = {
      cwd: join(this.#current().dir, "home"),
      env: loginEnv(this.#current(), host),
    };
    const { signal } = this.#lifetime;
    const child = await Child.start("bash", ["-c", command], options, signal);
    this.#children.add(child);
    const stopLimit = this.#limit(() => child.killGroup());
    answer({ pid: child.pid });
    const { status, stdout, stderr } = await child.outcome;
    answer({ status, stdout, stderr });
    // What it leaves in its group is ended with the cluster. If that is nothing the group's number is free,
    // and soon somebody else's.
    if (hasGroup(child)) return;
    stopLimit();
    this.#children.delete(child);
    await child.stop();
  }

  async #copy(
    { kind: _copy, ...statement }: Extract<MachineRequest, { kind: "copy" }>,
    lines: ReturnType<typeof createInterface>,
    answer: (line: MachineAnswer) => void,
  ): Promise<void> {
    const copy = new CopyOnSegments(this.#current(), statement);
    this.#copies.add(copy);
    const stopLimit = this.#limit(() => copy.kill());
    lines.on("line", (line) => copy.cancel((JSON.parse(line) as CancelRequest).content));
    try {
      answer({ rows: await copy.rows });
    } finally {
      stopLimit();
      this.#copies.delete(copy);
    }
  }

  /** Returns what takes the limit back. */
  #limit(end: () => void): () => void {
    const limit = setTimeout(end, this.#current().limitMs).unref();
    this.#limits.add(limit);
    return () => {
      clearTimeout(limit);
      this.#limits.delete(limit);
    };
  }
}

/** True if a process that the command has started in its group is still there. */
function hasGroup({ pid }: Child): boolean {
  try {
    return process.kill(-pid, 0);
  } catch {
    return false;
  }
}
