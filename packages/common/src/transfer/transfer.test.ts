import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { systemClock } from "../clock.ts";
import { receiveBackup, sendBackup } from "../data-path.ts";
import { PenstockError } from "../errors.ts";
import { createDigest } from "../stages/digest.ts";
import { Pace } from "../stages/pace.ts";
import { AcceptingSource } from "./accepting.ts";
import type { Channel } from "./channel.ts";
import { DialingSource } from "./dialing.ts";
import { createChannelPair } from "./memory-channel.ts";
import { Receiver } from "./receiver.ts";
import { Sender } from "./sender.ts";

const OPEN = { ref: { run: "r", token: Buffer.alloc(32) }, stream: "s", protocol: 1 };
const never = new AbortController().signal;

/** A sender that is called and a receiver that dials, over connections that break as planned. */
function connect(breaks: readonly number[], limitBytes = 64 * 1024) {
  const plan = [...breaks];
  const calls = new AcceptingSource((open) => Number(open.offset));
  const sender = new Sender(() => limitBytes);
  let reconnects = 0;
  const dial = (): Channel => {
    const breakAfter = plan.shift();
    const [ours, theirs] = createChannelPair(breakAfter === undefined ? {} : { breakAfter });
    void theirs.next(never).then(
      (first) => first?.$case === "open" && calls.offer(theirs, first.value, never),
      () => {},
    );
    return ours;
  };
  const receiver = new Receiver(
    new DialingSource({
      call: dial,
      open: OPEN,
      explain: (error) =>
        error instanceof PenstockError ? error : new PenstockError("unreachable", String(error)),
      patienceMs: 60_000,
      onConnected: (after) => {
        if (after !== undefined) reconnects += 1;
      },
    }),
  );
  return { sender, receiver, calls, reconnects: () => reconnects };
}

async function* chunks(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let offset = 0, turn = 0; offset < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(offset, offset + size);
    offset += size;
  }
}

test("whatever breaks and whenever, every byte arrives once and in order, and the ends agree", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 20_000 }),
      fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 5 }),
      fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 2 }),
      async (input, sizes, breaks) => {
        const { sender, receiver, calls } = connect(breaks, 5_000); // so acknowledgements matter
        const served = sender.run(calls, never);
        const sent = sendBackup(
          chunks(Buffer.from(input), sizes),
          { codec: "none", check: undefined },
          { pace: new Pace(), sender },
          never,
        ).then((tally) => sender.end({ tally }));
        const got: Uint8Array[] = [];
        const digest = createDigest();
        const sink = {
          digest,
          async write({ data, offset }: { data: Uint8Array; offset: number }) {
            got.push(Uint8Array.from(data));
            digest.update(data);
            receiver.acknowledge(offset + data.length, never);
          },
        };
        const tally = await receiveBackup(receiver, await receiver.attach(never), sink, never);
        await receiver.finish(never).catch(() => {});
        expect(Buffer.concat(got).equals(Buffer.from(input))).toBe(true);
        expect(Number(tally.rawBytes)).toBe(input.length);
        await sent;
        void served;
      },
    ),
    { numRuns: 40 },
  );
}, 60_000);

test("a sender whose source fails tells the receiver why instead of an end", async () => {
  const { sender, receiver, calls } = connect([]);
  const served = sender.run(calls, never);
  served.catch(() => {});
  sender.fail(new PenstockError("failed", "the tool is gone"));
  const frames = receiver.frames(await receiver.attach(never), never);
  await expect(frames.next()).rejects.toThrow("the tool is gone");
  await expect(served).rejects.toThrow("the tool is gone");
});

test.each(Array.from({ length: 12 }, (_, breakAfter) => ({ breakAfter })))(
  "the sender hears that the stream is whole, though its connection breaks after $breakAfter messages",
  async ({ breakAfter }) => {
    const { sender, receiver, calls } = connect([breakAfter]);
    const served = sender.run(calls, never);
    const ends = { pace: new Pace(), sender };
    const input = chunks(Buffer.alloc(3_000, "x"), [1_000]);
    const form = { codec: "none", check: undefined } as const;
    sender.end({ tally: await sendBackup(input, form, ends, never) });
    const digest = createDigest();
    const sink = {
      digest,
      async write({ data, offset }: { data: Uint8Array; offset: number }) {
        digest.update(data);
        receiver.acknowledge(offset + data.length, never);
      },
    };
    await receiveBackup(receiver, await receiver.attach(never), sink, never);
    await receiver.finishUntilHeard(never);
    await served;
    expect(digest.bytes).toBe(3_000);
  },
);

test("without acknowledgements a sender stops taking bytes at its limit", async () => {
  const { sender, receiver, calls } = connect([], 100_000);
  const stop = new AbortController();
  sender.run(calls, stop.signal).catch(() => {});
  let taken = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      taken += 10_000;
      yield Buffer.alloc(10_000);
    }
  }
  const filled = sender.fill(endless(), stop.signal);
  filled.catch(() => {});
  const frames = receiver.frames(await receiver.attach(never), never);
  let received = 0;
  while (received < 90_000) received += (await frames.next()).value?.data.length ?? 0;
  expect(taken).toBeLessThanOrEqual(110_000);
  expect(sender.heldBytes).toBeLessThanOrEqual(120_000);
  receiver.acknowledge(received, never);
  while (received < 150_000) received += (await frames.next()).value?.data.length ?? 0;
  expect(taken).toBeGreaterThan(110_000);
  stop.abort();
});

test("a receiver that is stopped before its last word is out closes the connection", async () => {
  const [ours, theirs] = createChannelPair({ capacity: 0 });
  const receiver = new Receiver({
    clock: systemClock,
    next: () => Promise.resolve({ channel: ours, offset: 0 }),
    broken() {},
  });
  await receiver.attach(never);
  const stop = new AbortController();
  const finished = receiver.finish(stop.signal);
  stop.abort();
  await expect(finished).rejects.toThrow("aborted");
  await expect(theirs.next(never)).rejects.toThrow("connection broken");
});

test("a receiver whose last word does not get through keeps nothing alive", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  try {
    const { sender, receiver, calls } = connect([]);
    sender.run(calls, never).catch(() => {});
    const { channel } = await receiver.attach(never);
    channel.cut();
    await expect(receiver.finish(never)).rejects.toThrow("connection broken");
    await expect.poll(() => vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
