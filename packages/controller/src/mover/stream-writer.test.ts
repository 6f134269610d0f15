import { randomBytes } from "node:crypto";
import { appendFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { crc32 } from "node:zlib";
import { collect, partsKey } from "@penstock/common";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Target } from "../targets/target.ts";
import { openTarget } from "../targets/targets.ts";
import { createTemporaryDirectory } from "../targets/test-support.ts";
import { StreamWriter } from "./stream-writer.ts";

const NEVER = new AbortController().signal;
const KEY = "warehouse/20260101000000/streams/app";
const PLACE = { key: KEY, scope: "warehouse.run", segmentBytes: 5000 };

// Without a shell targets have no guards: a dead mover is only played here, and each would be a process.
beforeAll(() => void vi.stubEnv("PATH", "/nowhere"));
afterAll(() => void vi.unstubAllEnvs());

/** Two targets, and the movers that write to them, one after another. */
class World implements AsyncDisposable {
  readonly #kept = new AsyncDisposableStack();
  readonly roots: string[] = [];

  static async open(): Promise<World> {
    const world = new World();
    for (let count = 0; count < 2; count++) {
      const folder = world.#kept.use(await createTemporaryDirectory());
      world.roots.push(join(folder.path, "root"));
    }
    return world;
  }

  /** As a new process does. What the last one has open stays so: it is dead, and tidies up nothing. */
  async targets(): Promise<Target[]> {
    const urls = this.roots.map((root) => pathToFileURL(root).href);
    const opened = urls.map((url) => openTarget({ url, orphanMs: 60_000 }, NEVER));
    return (await Promise.all(opened)).map((target) => this.#kept.use(target));
  }

  /** A mover's. That of a dead one keeps its files open until the end of its world. */
  writer(): StreamWriter {
    return this.#kept.use(new StreamWriter(PLACE, { onDurable() {}, onFailed() {} }));
  }

  /** What a dead process had written and not flushed may be anything. */
  async soil(indexes: readonly number[] = [0, 1]): Promise<void> {
    for (const root of indexes.map((index) => this.roots[index] ?? "")) {
      for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !entry.parentPath.includes(".partial")) continue;
        if (entry.name.includes(".000000"))
          await appendFile(join(entry.parentPath, entry.name), "x");
      }
    }
  }

  /** The stored bytes of each target. */
  async stored(): Promise<Buffer[]> {
    return await Promise.all((await this.targets()).map((target) => storedOn(target)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kept.disposeAsync();
  }
}

async function storedOn(target: Target): Promise<Buffer> {
  const keys = await target.list("warehouse/", NEVER);
  const objects = keys.filter((key) => keys.includes(partsKey(key)));
  expect(keys.length).toBe(2 * objects.length);
  const bytes = objects.map((key) => collect(target.read(key, undefined, NEVER), 1e9));
  return Buffer.concat(await Promise.all(bytes));
}

async function write(writer: StreamWriter, bytes: Uint8Array, begin: number): Promise<void> {
  for (let offset = begin; offset < bytes.length; offset += 700) {
    const data = bytes.subarray(offset, offset + 700);
    await writer.write({ offset, data, crc32: crc32(data) }, NEVER);
  }
}

test("however often a mover dies, and wherever, the next one completes what was acknowledged", async () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 22_000 }),
      fc.array(fc.record({ written: share, acknowledged: share }), { maxLength: 3 }),
      async (size, deaths) => {
        await using world = await World.open();
        const input = randomBytes(size);
        let writer = world.writer();
        let place = 0;
        await writer.open(await world.targets(), NEVER);
        for (const { written, acknowledged } of deaths) {
          const end = place + Math.ceil((size - place) * written);
          await write(writer, input.subarray(0, end), place);
          place += Math.floor((end - place) * acknowledged);
          writer = world.writer();
          expect(await writer.resume(await world.targets(), place, NEVER)).toBe(place);
        }
        await write(writer, input, place);
        await writer.finish();
        const objects = await writer.publish(NEVER);
        expect(objects.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(size);
        for (const bytes of await world.stored()) expect(bytes.equals(input)).toBe(true);
      },
    ),
    { numRuns: 15 },
  );
}, 300_000);

test.each([3_000, 12_000])(
  "a mover that dies after it has published is followed by one that finds the whole (%i bytes)",
  async (size) => {
    await using world = await World.open();
    const input = randomBytes(size);
    const dead = world.writer();
    await dead.open(await world.targets(), NEVER);
    await write(dead, input, 0);
    await dead.finish();
    const objects = await dead.publish(NEVER);

    const writer = world.writer();
    // Its last acknowledgement may have got lost with it.
    expect(await writer.resume(await world.targets(), size - 2_000, NEVER)).toBe(size);
    await writer.finish();
    expect(await writer.publish(NEVER)).toEqual(objects);
    for (const bytes of await world.stored()) expect(bytes.equals(input)).toBe(true);
  },
);

/**
 * Fails, as if killed there, when one more than so many objects are to be shown, and the other target
 * shows that one already.
 */
function failingAfter(shown: number, target: Target, other: Target): Target {
  let left = shown;
  return {
    url: target.url,
    create: async (...args) => {
      const writer = await target.create(...args);
      return {
        write: (chunk) => writer.write(chunk),
        flush: () => writer.flush(),
        abort: () => writer.abort(),
        commit: async (key) => {
          left -= 1;
          if (left < 0) {
            await expect.poll(() => other.stat(key ?? "", NEVER)).toBeDefined();
            throw new Error("killed");
          }
          await writer.commit(key);
        },
      };
    },
    putIfAbsent: (...args) => target.putIfAbsent(...args),
    read: (...args) => target.read(...args),
    stat: (...args) => target.stat(...args),
    list: (...args) => target.list(...args),
    remove: (...args) => target.remove(...args),
    sweep: (...args) => target.sweep(...args),
    [Symbol.asyncDispose]: () => target[Symbol.asyncDispose](),
  };
}

test.each([0, 1])("what only target %i had taken when its mover died is cut off", async (ahead) => {
  for (const begun of [false, true]) {
    await using world = await World.open();
    const input = randomBytes(12_000);
    const targets = await world.targets();
    const dead = world.writer();
    await dead.open(targets, NEVER);
    await write(dead, input.subarray(0, 4_000), 0);
    const next = begun
      ? await targets[ahead]?.create(`${KEY}.000001`, PLACE.scope, NEVER)
      : undefined;
    await next?.write(Buffer.from("more"));
    await world.soil([ahead]);
    const writer = world.writer();
    expect(await writer.resume(await world.targets(), 4_000, NEVER)).toBe(4_000);
    await write(writer, input, 4_000);
    await writer.finish();
    await writer.publish(NEVER);
    for (const bytes of await world.stored()) expect(bytes.equals(input)).toBe(true);
    await next?.abort();
  }
});

test.each(
  [0, 1].flatMap((late) => [
    ...[0, 3_000, 5_000].flatMap((size) => [0, 1].map((shown) => [late, size, shown] as const)),
    ...[0, 1, 2].map((shown) => [late, 12_000, shown] as const),
  ]),
)(
  "death between the targets: target %i shows of %i bytes up to %i objects, and the next mover the rest",
  async (late, size, shown) => {
    await using world = await World.open();
    const input = randomBytes(size);
    const targets = await world.targets();
    const [target, other] = [targets[late], targets[1 - late]] as [Target, Target];
    targets[late] = failingAfter(shown, target, other);
    const dead = world.writer();
    await dead.open(targets, NEVER);
    await write(dead, input, 0);
    await dead.finish();
    const isWhole = shown >= Math.max(1, Math.ceil(size / PLACE.segmentBytes));
    const published = dead.publish(NEVER);
    if (isWhole) await published;
    else await expect(published).rejects.toThrow("killed");

    const second = world.writer(); // dies as well, before it publishes anything
    expect(await second.resume(await world.targets(), size, NEVER)).toBe(size);
    const third = world.writer();
    const acknowledged = Math.max(0, size - 2_000);
    expect(await third.resume(await world.targets(), acknowledged, NEVER)).toBe(size);
    await third.finish();
    const objects = await third.publish(NEVER);
    expect(objects.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(size);
    const [one, two] = await world.stored();
    expect(one?.equals(input)).toBe(true);
    expect(two?.equals(input)).toBe(true);
  },
);

test("what lies behind the acknowledged bytes never gets into the object", async () => {
  await using world = await World.open();
  const input = randomBytes(4_000);
  const dead = world.writer();
  await dead.open(await world.targets(), NEVER);
  await write(dead, input.subarray(0, 3_000), 0);
  await world.soil();
  const writer = world.writer();
  await writer.resume(await world.targets(), 3_000, NEVER);
  await write(writer, input, 3_000);
  await writer.finish();
  await writer.publish(NEVER);
  for (const bytes of await world.stored()) expect(bytes.equals(input)).toBe(true);
});

test("a target that has lost acknowledged bytes is not gone on with", async () => {
  await using world = await World.open();
  const dead = world.writer();
  await dead.open(await world.targets(), NEVER);
  await write(dead, randomBytes(3_000), 0);
  const resumed = world.writer().resume(await world.targets(), 3_001, NEVER);
  await expect(resumed).rejects.toThrow(/has only 3000 of 3001 bytes that were acknowledged$/);
});

test("a target that cannot hand over what another process has begun says so", async () => {
  await using world = await World.open();
  const targets = await world.targets();
  const plain = targets.map((target) => Object.create(target, { takeOver: { value: undefined } }));
  const resumed = world.writer().resume(plain, 0, NEVER);
  await expect(resumed).rejects.toThrow(/cannot go on with what another process has begun$/);
});
