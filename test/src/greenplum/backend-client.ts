import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { BackendRequest } from "./backend-server.ts";

/** Has a backend run commands. */
export class BackendCall {
  /** Resolves when the backend answers: with each command's exit status, or with none if it was not to wait. */
  readonly answer: Promise<readonly number[]>;
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.answer = firstLine(socket).then((line) => JSON.parse(line) as number[]);
    this.answer.catch(() => {}); // whoever awaits it is told
  }

  static async start(socketPath: string, request: BackendRequest): Promise<BackendCall> {
    const socket = connect(socketPath);
    await once(socket, "connect");
    const call = new BackendCall(socket);
    socket.write(`${JSON.stringify(request)}\n`);
    return call;
  }

  /** Ends what the backend runs. */
  cancel(): void {
    this.#socket.write("cancel\n");
  }
}

async function firstLine(socket: Socket): Promise<string> {
  for await (const line of createInterface({ input: socket })) {
    socket.end();
    return line;
  }
  throw new Error("the database server has gone");
}
