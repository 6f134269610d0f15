import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { hostname, userInfo } from "node:os";
import { collect, isErrno, PenstockError, toPenstockError } from "@penstock/common";
import { z } from "zod";
import { readAbout } from "./read-run.ts";
import type { RunFolder } from "./run-folder.ts";
import { type RunSnapshot, runSnapshotSchema } from "./run-snapshot.ts";
import { openSocketPath } from "./socket-path.ts";

/** A controller that is alive answers in milliseconds, a busy one in a second. */
const ANSWER_TIMEOUT_MS = 5_000;
/** Of an answer; a thousand streams come to less than one MiB. */
const ANSWER_LIMIT_BYTES = 64 * 1024 * 1024;

const NOTHING = z.object({});

/**
 * Asks the controller of a run how far it is; `undefined` if there is none, also if it is dead and has
 * left its socket. Throws `unreachable` if it does not answer, and `refused` if it is another user's.
 */
export function askStatus(
  folder: RunFolder,
  signal: AbortSignal,
): Promise<RunSnapshot | undefined> {
  return ask(folder, { method: "GET", path: "/status" }, runSnapshotSchema, signal);
}

/** Asks a run to end. Returns false if it is not running. Does not wait for its end. */
export async function askCancel(folder: RunFolder, signal: AbortSignal): Promise<boolean> {
  const question = { method: "POST", path: "/cancel", body: { by: ourselves() } };
  return (await ask(folder, question, NOTHING, signal)) !== undefined;
}

/** Changes what a run may move a second; `undefined` is no limit. Returns false if it is not running. */
export async function askThrottle(
  folder: RunFolder,
  rate: number | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const body = { rate: rate ?? null, by: ourselves() };
  const question = { method: "POST", path: "/throttle", body };
  return (await ask(folder, question, NOTHING, signal)) !== undefined;
}

interface Question {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
}

async function ask<T>(
  folder: RunFolder,
  question: Question,
  schema: z.ZodType<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  const limit = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  try {
    const answer = schema.safeParse(await send(folder, question, AbortSignal.any([signal, limit])));
    if (answer.success) return answer.data;
    throw new PenstockError("failed", `run ${folder.run}: its controller is of another version`);
  } catch (error) {
    signal.throwIfAborted();
    if (limit.aborted || isErrno(error, "EAGAIN")) throw await toNoAnswer(folder, error);
    if (isGone(error)) return undefined;
    if (isErrno(error, "EACCES")) throw toForeign(folder, error);
    throw toPenstockError(error, `run ${folder.run}`);
  }
}

async function send(
  folder: RunFolder,
  { method, path, body }: Question,
  signal: AbortSignal,
): Promise<unknown> {
  await using socket = await openSocketPath(folder);
  const request = httpRequest({ socketPath: socket.path, method, path, agent: false, signal });
  request.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const answer: unknown = JSON.parse((await collect(response, ANSWER_LIMIT_BYTES)).toString());
  if (response.statusCode === 200) return answer;
  const { error } = z.object({ error: z.string() }).parse(answer);
  throw new PenstockError("failed", `run ${folder.run}: ${error}`);
}

/** No socket, one of a dead process, or a process that ended just now. */
function isGone(error: unknown): boolean {
  return ["ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE"].some((name) => isErrno(error, name));
}

async function toNoAnswer(folder: RunFolder, cause: unknown): Promise<PenstockError> {
  const about = await readAbout(folder);
  const process = about === undefined ? "" : ` (process ${about.pid})`;
  return new PenstockError("unreachable", `run ${folder.run}${process} does not answer`, {
    cause,
    hint: "its process is stopped or very busy",
  });
}

function toForeign({ run }: RunFolder, cause: Error): PenstockError {
  const hint = "ask as the user who has started it";
  return new PenstockError("refused", `run ${run} is another user's`, { cause, hint });
}

/** Who is asking, as the run's log and its error name us. */
function ourselves(): string {
  const name = `${userInfo().username}@${hostname()}`;
  return name.replaceAll(/[^\x21-\x7e]/g, "?").slice(0, 200);
}
