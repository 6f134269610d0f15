import { randomBytes } from "node:crypto";
import { appendFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { crc32 } from "node:zlib";
import { collect, partsKey } from "@penstock/common";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Target } from "../targets/target.ts";
import { openTarget } from "../targets/targets.ts";
import { createTemporaryDirectory } from "../targets/test-support.ts";
import { StreamWriter } from "./stream-writer.ts";

const NEVER = new AbortController().signal;
const KEY = "warehouse/20260101000000/streams/app";
const PLACE = { key: KEY, scope: "warehouse.run", segmentBytes: 5000 };

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

  /** What a dead process had written and not flushed may be anything. */
  async soil(): Promise<void> {
    for (const root of this.roots) {
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

function createWriter(): StreamWriter {
  return new StreamWriter(PLACE, { onDurable() {}, onFailed() {} });
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
        let writer = createWriter();
        let place = 0;
        await writer.open(await world.targets(), NEVER);
        for (const { written, acknowledged } of deaths) {
          const end = place + Math.ceil((size - place) * written);
          await write(writer, input.subarray(0, end), place);
          place += Math.floor((end - place) * acknowledged);
          writer = createWriter();
          expect(await writer.resume(await world.targets(), place, NEVER)).toBe(place);
        }
        await write(writer, input, place);
        await writer.finish();
        const objects = await writer.publish(NEVER);
        expect(objects.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(size);
        for (const bytes of await world.stored()) expect(bytes.equals(input)).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);

test.each([3_000, 12_000])(
  "a mover that dies after it has published is followed by one that finds the whole (%i bytes)",
  async (size) => {
    await using world = await World.open();
    const input = randomBytes(size);
    const dead = createWriter();
    await dead.open(await world.targets(), NEVER);
    await write(dead, input, 0);
    await dead.finish();
    const objects = await dead.publish(NEVER);

    const writer = createWriter();
    // Its last acknowledgement may have got lost with it.
    expect(await writer.resume(await world.targets(), size - 2_000, NEVER)).toBe(size);
    await writer.finish();
    expect(await writer.publish(NEVER)).toEqual(objects);
    for (const bytes of await world.stored()) expect(bytes.equals(input)).toBe(true);
  },
);

test("what lies behind the acknowledged bytes never gets into the object", async () => {
  await using world = await World.open();
  const input = randomBytes(4_000);
  const dead = createWriter();
  await dead.open(await world.targets(), NEVER);
  await write(dead, input.subarray(0, 3_000), 0);
  await world.soil();
  const writer = createWriter();
  await writer.resume(await world.targets(), 3_000, NEVER);
  await write(writer, input, 3_000);
  await writer.finish();
  await writer.publish(NEVER);
  for (const bytes of await world.stored()) expect(bytes.equals(input)).toBe(true);
});

test("a target that has lost acknowledged bytes is not gone on with", async () => {
  await using world = await World.open();
  const dead = createWriter();
  await dead.open(await world.targets(), NEVER);
  await write(dead, randomBytes(3_000), 0);
  const resumed = createWriter().resume(await world.targets(), 3_001, NEVER);
  await expect(resumed).rejects.toThrow(/has only 3000 of 3001 bytes that were acknowledged$/);
});

test("a target that cannot hand over what another process has begun says so", async () => {
  await using world = await World.open();
  const targets = await world.targets();
  const plain = targets.map((target) => Object.create(target, { takeOver: { value: undefined } }));
  const resumed = createWriter().resume(plain, 0, NEVER);
  await expect(resumed).rejects.toThrow(/cannot go on with what another process has begun$/);
});
