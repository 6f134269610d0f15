import { expect, test } from "vitest";
import type { ByteStream } from "./byte-stream.ts";
import { systemClock } from "./clock.ts";
import { receiveBackup, receiveRestore, sendBackup, sendRestore } from "./data-path.ts";
import { openFormatCheck } from "./formats/formats.ts";
import type { CodecName } from "./manifest.ts";
import { createDigest } from "./stages/digest.ts";
import { Pace } from "./stages/pace.ts";
import { createChannelPair } from "./transfer/memory-channel.ts";
import { Receiver } from "./transfer/receiver.ts";
import { Sender, type StreamEnd } from "./transfer/sender.ts";

const never = new AbortController().signal;

/** A sender and a receiver joined by one connection that does not break. */
function connect() {
  const [left, right] = createChannelPair();
  const sender = new Sender(() => 1024 * 1024);
  sender.run(silent(left), never).catch(() => {});
  return { pace: new Pace(), sender, receiver: new Receiver(silent(right)) };
}

/** A connection without its handshake. */
function silent(channel: ReturnType<typeof createChannelPair>[0]) {
  let isFirst = true;
  return {
    clock: systemClock,
    next: () => {
      if (!isFirst) return new Promise<never>(() => {});
      isFirst = false;
      return Promise.resolve({ channel, offset: 0 });
    },
    broken() {},
  };
}

async function* chunks(...texts: string[]): ByteStream {
  for (const text of texts) yield Buffer.from(text);
}

function memorySink() {
  const digest = createDigest();
  const received: Buffer[] = [];
  return {
    digest,
    bytes: () => Buffer.concat(received),
    async write(frame: { data: Uint8Array } | Uint8Array) {
      const data = frame instanceof Uint8Array ? frame : frame.data;
      digest.update(data);
      received.push(Buffer.from(data));
    },
  };
}

test.each<CodecName>(["none", "gzip", "zstd"])(
  "%s: what a backup stores is what a restore gives back, with the same tally",
  async (codec) => {
    const there = connect();
    const stored = memorySink();
    const sent = sendBackup(chunks("first,", "second"), { codec, check: undefined }, there, never);
    const sending = sent.then((tally) => there.sender.end({ tally }));
    const tally = await receiveBackup(
      there.receiver,
      await there.receiver.attach(never),
      stored,
      never,
    );
    await there.receiver.finish(never);
    await sending;
    expect(Number(tally.rawBytes)).toBe(12);
    expect(Number(tally.storedBytes)).toBe(stored.bytes().length);

    const back = connect();
    const consumer = memorySink();
    async function* again(): ByteStream {
      yield stored.bytes();
    }
    await sendRestore(again(), back, never);
    back.sender.end({ tally });
    const attached = await back.receiver.attach(never);
    await receiveRestore(back.receiver, attached, codec, consumer, never);
    expect(consumer.bytes().toString()).toBe("first,second");
  },
);

async function restoreWith(end: (right: StreamEnd) => StreamEnd): Promise<unknown> {
  const digest = createDigest();
  digest.update(Buffer.from("bytes"));
  const tally = {
    rawBytes: 5n,
    rawSha256: digest.sha256(),
    storedBytes: 5n,
    storedSha256: digest.sha256(),
  };
  const { pace, sender, receiver } = connect();
  await sendRestore(chunks("bytes"), { pace, sender }, never);
  sender.end(end({ tally }));
  const attached = await receiver.attach(never);
  return await receiveRestore(receiver, attached, "none", memorySink(), never);
}

test("a restore whose counts or digests are not as promised is damaged", async () => {
  await expect(restoreWith((end) => end)).resolves.toBeDefined();
  const changed = (field: object) =>
    restoreWith(({ tally }) => ({ tally: { ...tally, ...field } }));
  await expect(changed({ storedBytes: 6n })).rejects.toThrow("5 stored bytes arrived, 6 were sent");
  await expect(changed({ storedSha256: Buffer.alloc(32) })).rejects.toThrow(
    "digest of the 5 stored",
  );
  await expect(changed({ rawBytes: 4n })).rejects.toThrow("5 raw bytes arrived, 4 were sent");
  await expect(changed({ rawSha256: Buffer.alloc(32) })).rejects.toThrow("digest of the 5 raw");
});

test("an end without a tally is no end", async () => {
  const noTally = () => ({ tally: undefined }) as unknown as StreamEnd;
  await expect(restoreWith(noTally)).rejects.toThrow("without its tally");
  const { sender, receiver } = connect();
  await sender.fill(chunks("x"), never);
  sender.end(noTally());
  const attached = await receiver.attach(never);
  await expect(receiveBackup(receiver, attached, memorySink(), never)).rejects.toThrow(
    "without its tally",
  );
});

test("a stream that is not of its format gets no end, though all its bytes were sent", async () => {
  const { pace, sender } = connect();
  using check = openFormatCheck("gpdump");
  const form = { codec: "none", check } as const;
  const sent = sendBackup(chunks("COPY t FROM stdin;\n"), form, { pace, sender }, never);
  await expect(sent).rejects.toMatchObject({ code: "damaged" });
  expect(sender.filledBytes).toBe(19);
});
