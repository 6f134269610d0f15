import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Failure, messageOf } from "./failure.ts";
import { Link } from "./link.ts";
import type { Options } from "./options.ts";
import { assertParent } from "./parent.ts";

/** Hands over the standard input. Returns when every byte of it is durable. */
export async function backupData(options: Options, key: string): Promise<void> {
  await handOver(options, key, async function* () {
    yield* process.stdin;
    // To us a producer that was killed looks like one that has ended.
    assertParent();
  });
}

/** Hands over a file. Returns when every byte of it is durable; the file stays. */
export async function backupFile(options: Options, path: string): Promise<void> {
  await handOver(options, path, async function* () {
    const before = await stat(path);
    let bytes = 0;
    for await (const chunk of createReadStream(path)) {
      bytes += chunk.length;
      yield chunk;
    }
    if (bytes === before.size) return;
    throw new Failure(`${path} has changed while it was read: ${before.size} bytes, then ${bytes}`);
  });
}

async function handOver(
  { socket, plan }: Options,
  key: string,
  source: () => AsyncIterable<Buffer>,
): Promise<void> {
  const link = await Link.open(socket, { plan, command: "backup", key });
  // The agent may have something to say before all is sent: then there is no point in going on.
  const answered = link.done();
  const sent = send(link, source());
  const tooEarly = answered.then(() => {
    throw new Failure("the agent says that all is well before it has all");
  });
  await Promise.race([sent, tooEarly]);
  tooEarly.catch(() => {}); // from now on it is not
  await answered;
}

async function send(link: Link, source: AsyncIterable<Buffer>): Promise<void> {
  let bytes = 0;
  for await (const chunk of orFailure(link, source)) {
    // A connection that breaks is told by the answer that does not come.
    await link.send(chunk).catch(() => never());
    bytes += chunk.length;
  }
  await link.sendEnd(bytes).catch(() => never());
}

/** The agent hears why there will be no end. */
async function* orFailure(link: Link, source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  try {
    yield* source;
  } catch (error) {
    await link.sendFailure(messageOf(error)).catch(() => {});
    throw error;
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}
