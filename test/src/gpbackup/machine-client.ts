import { once } from "node:events";
import { connect as connectTo, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { CopyStatement } from "./copy-on-segments.ts";
import type { CancelRequest, MachineAnswer, MachineRequest } from "./machines.ts";
import type { ClusterState, Segment } from "./state.ts";

/** How a command ended on a host. */
export interface RemoteOutcome {
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs on a host; it does not end with us. */
export interface RemoteCommand {
  readonly pid: number;
  readonly outcome: Promise<RemoteOutcome>;
}

/** A COPY that the database is doing. */
export interface RunningCopy {
  /** Rows of all segments; rejects with the database's error. */
  readonly rows: Promise<number>;
  cancel(content?: number): void;
}

/** Starts a command on a segment's host, as ssh would, with `greenplum_path.sh` read before. */
export async function startOn(
  { machines, gpHome }: ClusterState,
  { host }: Pick<Segment, "host">,
  command: string,
): Promise<RemoteCommand> {
  const request = {
    kind: "ssh",
    host,
    command: `source ${gpHome}/greenplum_path.sh && ${command}`,
  };
  const { answers } = await ask(machines, request as MachineRequest);
  const started = await nextAnswer(answers);
  if (!("pid" in started)) throw new Error(`ssh ${host}: no process`);
  const outcome = nextAnswer(answers).then((answer) => {
    if ("status" in answer || "stdout" in answer) return answer as RemoteOutcome;
    throw new Error("error" in answer ? answer.error : `ssh ${host}: no exit status`);
  });
  outcome.catch(() => {}); // who waits for it sees it
  return { pid: started.pid, outcome };
}

/** Runs a command on a segment's host to its end. */
export async function runOn(
  state: ClusterState,
  segment: Pick<Segment, "host">,
  command: string,
): Promise<RemoteOutcome> {
  return await (await startOn(state, segment, command)).outcome;
}

/** Lets the database do a COPY ... ON SEGMENT. */
export async function startCopy(
  { machines }: ClusterState,
  statement: CopyStatement,
): Promise<RunningCopy> {
  const { socket, answers } = await ask(machines, { kind: "copy", ...statement });
  const rows = nextAnswer(answers).then((answer) => {
    if ("rows" in answer) return answer.rows;
    throw new Error("error" in answer ? answer.error : "the database does not answer");
  });
  rows.catch(() => {}); // who waits for it sees it
  const cancel = (content?: number): void => {
    const request: CancelRequest = {
      kind: "cancel",
      ...(content === undefined ? {} : { content }),
    };
    if (socket.writable) socket.write(`${JSON.stringify(request)}\n`);
  };
  return { rows, cancel };
}

async function ask(
  machines: string,
  request: MachineRequest,
): Promise<{ socket: Socket; answers: AsyncIterator<string> }> {
  const socket = connectTo(machines);
  await once(socket, "connect");
  const answers = createInterface({ input: socket })[Symbol.asyncIterator]();
  socket.write(`${JSON.stringify(request)}\n`);
  return { socket, answers };
}

async function nextAnswer(answers: AsyncIterator<string>): Promise<MachineAnswer> {
  const { done, value } = await answers.next();
  if (done === true) throw new Error("the host does not answer any more");
  return JSON.parse(value) as MachineAnswer;
}
