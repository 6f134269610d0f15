import { randomBytes } from "node:crypto";
import { type ByteStream, collect, PenstockError } from "@penstock/common";
// biome-ignore lint/correctness/noUndeclaredDependencies: for tests, which have it from the root
import fc from "fast-check";
// biome-ignore lint/correctness/noUndeclaredDependencies: likewise
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { endingAt, failingAt, stallingAt } from "./faults.ts";
import type { ByteRange, LeftObject, ObjectWriter, Target } from "./target.ts";

const MIB = 1024 * 1024;
const SCOPE = "20261120103000";
const NEVER: AbortSignal = new AbortController().signal;

/** An empty place for objects; disposing it removes whatever is there. */
export interface TargetPlace extends AsyncDisposable {
  /** Opens the place once more, as another process would. The caller disposes. */
  open(): Promise<Target>;
}

interface Stand {
  place: TargetPlace;
  target: Target;
}

/** What every target must do. `prepare` makes a fresh, empty place for each test. */
export function describeTargetContract(name: string, prepare: () => Promise<TargetPlace>): void {
  describe(`${name} keeps the contract of a target:`, () => {
    const stand = {} as Stand;
    beforeEach(async () => {
      stand.place = await prepare();
      stand.target = await stand.place.open();
    });
    afterEach(async () => {
      await stand.target[Symbol.asyncDispose]();
      await stand.place[Symbol.asyncDispose]();
    });
    writing(stand);
    racing(stand);
    putting(stand);
    reading(stand);
    listing(stand);
    removing(stand);
    naming(stand);
    aborting(stand);
    sources(stand);
    sweeping(stand);
    takingOver(stand);
  });
}

function writing(stand: Stand): void {
  it.each([0, 1, MIB, 5 * MIB + 3])("an object of %i bytes comes back as written", async (size) => {
    const bytes = randomBytes(size);
    await store(stand.target, "a/b", oddChunks(bytes), size, NEVER);
    expect((await readAll(stand.target, "a/b")).equals(bytes)).toBe(true);
    expect(await stand.target.stat("a/b", NEVER)).toBe(size);
  });

  it("any bytes come back the same, however they are chunked", async () => {
    let count = 0;
    const law = fc.asyncProperty(fc.array(fc.uint8Array(), { maxLength: 20 }), async (chunks) => {
      const key = `law/${count++}`;
      const bytes = Buffer.concat(chunks);
      await store(stand.target, key, streamOf(chunks), bytes.length, NEVER);
      expect(await readAll(stand.target, key)).toEqual(bytes);
    });
    await fc.assert(law, { numRuns: 20 });
  });

  it("a chunk may be reused as soon as its write has resolved", async () => {
    const chunk = Buffer.alloc(3);
    const writer = await stand.target.create("a", SCOPE, NEVER);
    for (const text of ["one", "two", "six"]) {
      chunk.write(text);
      await writer.write(chunk);
    }
    chunk.fill(0);
    await writer.commit();
    expect((await readAll(stand.target, "a")).toString()).toBe("onetwosix");
  });

  it("flushes may overlap with writes and with each other", async () => {
    const bytes = randomBytes(4 * MIB);
    const writer = await stand.target.create("a", SCOPE, NEVER);
    const flushes: Promise<void>[] = [];
    for await (const chunk of oddChunks(bytes)) {
      const writing = writer.write(chunk);
      if (flushes.length < 20) flushes.push(writer.flush());
      await writing;
    }
    await Promise.all(flushes);
    await writer.commit();
    expect((await readAll(stand.target, "a")).equals(bytes)).toBe(true);
  });

  it("an object is invisible to everybody until it is committed", async () => {
    await using other = await stand.place.open();
    const writer = await stand.target.create("a/b", SCOPE, NEVER);
    await writer.write(randomBytes(2 * MIB));
    await writer.flush();
    await expectAbsent(stand.target, "a/b");
    await expectAbsent(other, "a/b");
    await writer.commit();
    expect(await other.list("", NEVER)).toEqual(["a/b"]);
  });

  it("an aborted object leaves nothing", async () => {
    const writer = await stand.target.create("a/b", SCOPE, NEVER);
    await writer.write(randomBytes(100));
    await writer.abort();
    await writer.abort();
    await expectAbsent(stand.target, "a/b");
  });

  it("an abort after the commit changes nothing", async () => {
    const writer = await stand.target.create("a", SCOPE, NEVER);
    await writer.write(Buffer.from("kept"));
    await writer.commit();
    await writer.abort();
    expect((await readAll(stand.target, "a")).toString()).toBe("kept");
  });

  it("a committed object is never replaced", async () => {
    await storeText(stand.target, "a/b", "old");
    await expect(storeText(stand.target, "a/b", "new")).rejects.toMatchObject({
      code: "failed",
      message: expect.stringContaining(`${stand.target.url}/a/b`),
    });
    expect((await readAll(stand.target, "a/b")).toString()).toBe("old");
  });

  it("an object may get another key when it is committed", async () => {
    const writer = await stand.target.create("a.000000", SCOPE, NEVER);
    await writer.write(Buffer.from("text"));
    await writer.commit("b/a");
    expect(await stand.target.list("", NEVER)).toEqual(["b/a"]);
    expect((await readAll(stand.target, "b/a")).toString()).toBe("text");
  });

  it("the other key must be good and free as well", async () => {
    await storeText(stand.target, "b", "old");
    const writer = await stand.target.create("a", SCOPE, NEVER);
    await expect(writer.commit("../b")).rejects.toMatchObject({ code: "usage" });
    await expect(writer.commit("b")).rejects.toMatchObject({
      code: "failed",
      message: expect.stringContaining(`${stand.target.url}/b`),
    });
    await writer.abort();
    expect(await stand.target.list("", NEVER)).toEqual(["b"]);
    expect((await readAll(stand.target, "b")).toString()).toBe("old");
  });

  it("a writer that has failed fails for good", async () => {
    await storeText(stand.target, "a", "old");
    const writer = await stand.target.create("a", SCOPE, NEVER);
    const failure = await writer.commit().catch((error: unknown) => error);
    await stand.target.remove("a", NEVER);
    await expect(writer.write(Buffer.from("x"))).rejects.toBe(failure);
    await expect(writer.flush()).rejects.toBe(failure);
    await expect(writer.commit()).rejects.toBe(failure);
    await writer.abort();
    await expectAbsent(stand.target, "a");
  });
}

function racing(stand: Stand): void {
  it("of many writers of one key exactly one commits, and its bytes stay", async () => {
    await using other = await stand.place.open();
    const texts = ["one", "two", "three", "four", "five", "six"];
    const attempts = texts.map((text, i) => storeText(i % 2 ? other : stand.target, "a/b", text));
    const winners = (await Promise.allSettled(attempts)).flatMap(({ status }, i) =>
      status === "fulfilled" ? [texts[i]] : [],
    );
    expect(winners).toEqual([(await readAll(stand.target, "a/b")).toString()]);
  });

  it("of many puts of one key exactly one returns true, and its bytes stay", async () => {
    await using other = await stand.place.open();
    const texts = ["one", "two", "three", "four", "five", "six"];
    const puts = texts.map((text, i) => putText(i % 2 ? other : stand.target, "a/b", text));
    const winners = (await Promise.all(puts)).flatMap((won, i) => (won ? [texts[i]] : []));
    expect(winners).toEqual([(await readAll(stand.target, "a/b")).toString()]);
  });

  it("removing the last object of a folder does not disturb a writer of the next", async () => {
    for (let round = 0; round < 30; round++) {
      await storeText(stand.target, `x/y/old${round}`, "old");
      await Promise.all([
        stand.target.remove(`x/y/old${round}`, NEVER),
        storeText(stand.target, `x/y/new${round}`, "new"),
      ]);
      expect(await stand.target.list("", NEVER)).toEqual([`x/y/new${round}`]);
      await stand.target.remove(`x/y/new${round}`, NEVER);
    }
  });
}

function putting(stand: Stand): void {
  it("a put stores a whole object, even an empty one", async () => {
    const bytes = randomBytes(300_000);
    expect(await stand.target.putIfAbsent("a/b", bytes, NEVER)).toBe(true);
    expect(await stand.target.putIfAbsent("a/c", new Uint8Array(), NEVER)).toBe(true);
    expect((await readAll(stand.target, "a/b")).equals(bytes)).toBe(true);
    expect(await stand.target.stat("a/c", NEVER)).toBe(0);
  });

  it("a put on a taken key returns false and changes nothing", async () => {
    await storeText(stand.target, "a/b", "old");
    expect(await putText(stand.target, "a/b", "new")).toBe(false);
    expect((await readAll(stand.target, "a/b")).toString()).toBe("old");
    expect(await stand.target.list("", NEVER)).toEqual(["a/b"]);
  });
}

function reading(stand: Stand): void {
  const size = 2 * MIB + 10;
  const ranges: ByteRange[] = [
    { offset: 0, length: 0 },
    { offset: 0, length: 1 },
    { offset: 0, length: size },
    { offset: 1, length: MIB },
    { offset: MIB - 1, length: MIB + 2 },
    { offset: size - 1, length: 1 },
    { offset: size - 1, length: 2 },
    { offset: size, length: 1 },
    { offset: size + 5, length: MIB },
  ];

  it("a range holds the bytes that the object has there, and no others", async () => {
    const bytes = randomBytes(size);
    await stand.target.putIfAbsent("a", bytes, NEVER);
    for (const range of ranges) {
      const read = await collect(stand.target.read("a", range, NEVER), size);
      const expected = bytes.subarray(range.offset, range.offset + range.length);
      expect(read.equals(expected), JSON.stringify(range)).toBe(true);
    }
  });

  it("the reader may keep the chunks", async () => {
    const bytes = randomBytes(3 * MIB);
    await stand.target.putIfAbsent("a", bytes, NEVER);
    const chunks: Uint8Array[] = [];
    for await (const chunk of stand.target.read("a", undefined, NEVER)) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  });

  it("a reader may stop early, and others do not notice", async () => {
    const bytes = randomBytes(3 * MIB);
    await stand.target.putIfAbsent("a", bytes, NEVER);
    for await (const first of stand.target.read("a", undefined, NEVER)) {
      expect(bytes.subarray(0, first.length).equals(first)).toBe(true);
      break;
    }
    expect((await readAll(stand.target, "a")).equals(bytes)).toBe(true);
  });

  it("what is not there is not found by a reader, and has no size", async () => {
    await storeText(stand.target, "a/b", "text");
    for (const key of ["x", "x/y", "a", "a/b/c", "a/b.", "A/b"]) {
      await expectUnreadable(stand.target, key);
      await expect(readAll(stand.target, key)).rejects.toThrow(`${stand.target.url}/${key}`);
    }
  });
}

function listing(stand: Stand): void {
  it("a list holds the keys below a folder, sorted, and nothing half-written", async () => {
    const keys = ["a-b/x", "a.b", "a/2", "a/10", "a/b/c", "a/b.c", "ab/x", "b"];
    for (const key of [...keys].reverse()) await storeText(stand.target, key, key);
    const writer = await stand.target.create("a/half", SCOPE, NEVER);
    await writer.write(Buffer.from("half"));
    expect(await stand.target.list("", NEVER)).toEqual([...keys].sort());
    expect(await stand.target.list("a/", NEVER)).toEqual(["a/10", "a/2", "a/b.c", "a/b/c"]);
    expect(await stand.target.list("a/b/", NEVER)).toEqual(["a/b/c"]);
    await writer.abort();
  });

  it("a folder that is not there is empty", async () => {
    expect(await stand.target.list("", NEVER)).toEqual([]);
    await storeText(stand.target, "a/b", "text");
    for (const folder of ["x/", "a/x/", "a/b/", "a/b/c/"]) {
      expect(await stand.target.list(folder, NEVER)).toEqual([]);
    }
  });
}

function removing(stand: Stand): void {
  it("a removed object is gone, its neighbours stay, and its key is free again", async () => {
    await storeText(stand.target, "a/b", "old");
    await storeText(stand.target, "a/c", "neighbour");
    await stand.target.remove("a/b", NEVER);
    await expectUnreadable(stand.target, "a/b");
    expect(await stand.target.list("", NEVER)).toEqual(["a/c"]);
    await storeText(stand.target, "a/b", "new");
    expect((await readAll(stand.target, "a/b")).toString()).toBe("new");
  });

  it("removing what is not there succeeds", async () => {
    await storeText(stand.target, "a/b", "text");
    for (const key of ["a/x", "x/y", "a", "a/b/c"]) await stand.target.remove(key, NEVER);
    expect(await stand.target.list("", NEVER)).toEqual(["a/b"]);
    await stand.target.remove("a/b", NEVER);
    await stand.target.remove("a/b", NEVER);
  });

  it("all objects of a folder can be removed at once", async () => {
    const keys = Array.from({ length: 20 }, (_, i) => `a/b/${i}`);
    for (const key of keys) await storeText(stand.target, key, key);
    await Promise.all(keys.map((key) => stand.target.remove(key, NEVER)));
    expect(await stand.target.list("", NEVER)).toEqual([]);
  });
}

function naming(stand: Stand): void {
  const longest = `${"d".repeat(255)}/${"e".repeat(255)}/${"f".repeat(255)}/${"g".repeat(255)}`;
  const good = [".hidden", "...", "a..b", "-rf", "@=+._-", "x/.partial", "0", "a/-/b", longest];

  it.each(good)("%s is a key", async (key) => {
    await storeText(stand.target, key, "text");
    expect(await stand.target.list("", NEVER)).toEqual([key]);
    expect((await readAll(stand.target, key)).toString()).toBe("text");
    await stand.target.remove(key, NEVER);
    expect(await stand.target.list("", NEVER)).toEqual([]);
  });

  const bad = ["", ".", "..", "../x", "/x", "a/", "a//b", "a/./b", "a/../b", "a\0b", "a\nb", "a b"]
    .concat(["a\\b", "ä", "a*", "~a", ".partial/x", ".partial", "lost+found/x"])
    .concat(["x".repeat(256), `${"x/".repeat(512)}x`]);

  it.each(bad)("%j is not a key", async (key) => {
    const { target } = stand;
    const usage = { code: "usage" };
    await expect(target.create(key, SCOPE, NEVER)).rejects.toMatchObject(usage);
    await expect(putText(target, key, "x")).rejects.toMatchObject(usage);
    await expect(readAll(target, key)).rejects.toMatchObject(usage);
    await expect(target.stat(key, NEVER)).rejects.toMatchObject(usage);
    await expect(target.remove(key, NEVER)).rejects.toMatchObject(usage);
    await expect(target.list(`${key}/`, NEVER)).rejects.toMatchObject(usage);
  });

  it("a folder's name ends in a slash", async () => {
    await expect(stand.target.list("a", NEVER)).rejects.toMatchObject({ code: "usage" });
  });

  it.each(["", ".", "..", "a/b", "/", "a b", "~put"])("%j is not a run", async (scope) => {
    const usage = { code: "usage" };
    await expect(stand.target.create("a", scope, NEVER)).rejects.toMatchObject(usage);
    await expect(stand.target.sweep(scope, NEVER)).rejects.toMatchObject(usage);
  });
}

function aborting(stand: Stand): void {
  const reason = new DOMException("the run was cancelled", "AbortError");

  it("a call with an aborted signal ends with its reason and does nothing", async () => {
    await storeText(stand.target, "a", "old");
    const signal = AbortSignal.abort(reason);
    await expect(stand.target.create("b", SCOPE, signal)).rejects.toBe(reason);
    await expect(stand.target.putIfAbsent("b", Buffer.from("x"), signal)).rejects.toBe(reason);
    await expect(collect(stand.target.read("a", undefined, signal), 10)).rejects.toBe(reason);
    await expect(stand.target.stat("a", signal)).rejects.toBe(reason);
    await expect(stand.target.list("", signal)).rejects.toBe(reason);
    await expect(stand.target.remove("a", signal)).rejects.toBe(reason);
    await expect(stand.target.sweep(SCOPE, signal)).rejects.toBe(reason);
    expect(await stand.target.list("", NEVER)).toEqual(["a"]);
  });

  const steps: Record<string, (writer: ObjectWriter) => Promise<void>> = {
    "the first write": (writer) => writer.write(randomBytes(MIB)),
    "a flush": (writer) => writer.flush(),
    "the commit": (writer) => writer.commit(),
  };
  it.each(Object.keys(steps))("an abort before %s ends it and leaves nothing", async (step) => {
    const controller = new AbortController();
    const writer = await stand.target.create("a", SCOPE, controller.signal);
    if (step !== "the first write") await writer.write(randomBytes(MIB));
    controller.abort(reason);
    await expect(steps[step]?.(writer)).rejects.toBe(reason);
    await expect(writer.commit()).rejects.toBe(reason);
    await writer.abort();
    await expectAbsent(stand.target, "a");
  });

  it("an abort during a write ends it and leaves nothing", async () => {
    const controller = new AbortController();
    const writer = await stand.target.create("a", SCOPE, controller.signal);
    const writing = writer.write(randomBytes(8 * MIB));
    controller.abort(reason);
    await expect(writing).rejects.toBe(reason);
    await writer.abort();
    await expectAbsent(stand.target, "a");
  });

  it("an abort during a commit leaves a whole object or none", async () => {
    const controller = new AbortController();
    const writer = await stand.target.create("a", SCOPE, controller.signal);
    await writer.write(Buffer.from("whole"));
    const committing = writer.commit().then(
      () => true,
      () => false,
    );
    controller.abort(reason);
    const committed = await committing;
    await writer.abort();
    if (committed) expect((await readAll(stand.target, "a")).toString()).toBe("whole");
    else await expectAbsent(stand.target, "a");
  });

  it("an abort ends a reader at its next chunk", async () => {
    await stand.target.putIfAbsent("a", randomBytes(4 * MIB), NEVER);
    const controller = new AbortController();
    const chunks = stand.target.read("a", undefined, controller.signal)[Symbol.asyncIterator]();
    await chunks.next();
    const next = chunks.next();
    controller.abort(reason);
    await expect(next).rejects.toBe(reason);
    expect(await chunks.next()).toEqual({ done: true, value: undefined });
  });
}

function sources(stand: Stand): void {
  const size = 2 * MIB + 1;
  const cuts = [0, 1, MIB, size - 1, size];

  it.each(cuts)("a source that fails after %i bytes leaves nothing", async (cut) => {
    const source = failingAt(cut)(oddChunks(randomBytes(size)), NEVER);
    await expect(store(stand.target, "a", source, size, NEVER)).rejects.toThrow(/source broke/);
    await expectAbsent(stand.target, "a");
  });

  it.each(cuts.slice(0, -1))(
    "a source that ends early, after %i bytes, leaves nothing",
    async (cut) => {
      const source = endingAt(cut)(oddChunks(randomBytes(size)));
      await expect(store(stand.target, "a", source, size, NEVER)).rejects.toThrow(/short/);
      await expectAbsent(stand.target, "a");
    },
  );

  it.each(cuts)("a source that stalls after %i bytes leaves nothing when aborted", async (cut) => {
    const controller = new AbortController();
    const stalled = Promise.withResolvers<void>();
    const source = stallingAt(cut, stalled.resolve)(
      oddChunks(randomBytes(size)),
      controller.signal,
    );
    const storing = store(stand.target, "a", source, size, controller.signal);
    await stalled.promise;
    controller.abort();
    await expect(storing).rejects.toBe(controller.signal.reason);
    await expectAbsent(stand.target, "a");
  });
}

function sweeping(stand: Stand): void {
  it("a sweep by anybody removes what a run has left, and nothing else", async () => {
    await using other = await stand.place.open();
    await storeText(stand.target, "a", "committed");
    const left = await stand.target.create("b", SCOPE, NEVER);
    await left.write(randomBytes(100));
    const alive = await stand.target.create("c", `${SCOPE}1`, NEVER);
    await alive.write(Buffer.from("alive"));
    await other.sweep(SCOPE, NEVER);
    await other.sweep(SCOPE, NEVER);
    await expect(left.commit()).rejects.toMatchObject({ code: "failed" });
    await left.abort();
    await alive.commit();
    expect(await stand.target.list("", NEVER)).toEqual(["a", "c"]);
  });

  it("a run can write again after a sweep", async () => {
    await storeText(stand.target, "a", "before");
    await stand.target.sweep(SCOPE, NEVER);
    await storeText(stand.target, "b", "after");
    expect(await stand.target.list("", NEVER)).toEqual(["a", "b"]);
  });
}

/** Only for those that can. An opener that is dead tidies up nothing: here it is one that is not disposed of. */
function takingOver(stand: Stand): void {
  let dead: Target;
  let heir: Target;
  let writers: ObjectWriter[];
  beforeEach(async ({ skip }) => {
    if (stand.target.takeOver === undefined) skip();
    writers = [];
    dead = await stand.place.open();
    heir = await stand.place.open();
  });
  afterEach(async () => {
    await Promise.all(writers.map((writer) => writer.abort())); // as the end of a process closes files
    await dead[Symbol.asyncDispose]();
    await heir[Symbol.asyncDispose]();
    await stand.target.sweep(SCOPE, NEVER);
  });

  const leave = async (key: string, bytes: Uint8Array): Promise<ObjectWriter> => {
    const writer = await dead.create(key, SCOPE, NEVER);
    writers.push(writer);
    await writer.write(bytes);
    await writer.flush();
    return writer;
  };
  const takeOver = async (by: Target, key: string): Promise<LeftObject> => {
    const left = await by.takeOver?.(key, SCOPE, NEVER);
    if (left === undefined) throw new Error(`nothing is left of ${key}`);
    return left;
  };

  it.each([0, 1, MIB, 3 * MIB + 5])(
    "what a dead opener has flushed is there for another, and complete at %i bytes if it says so",
    async (size) => {
      const bytes = randomBytes(3 * MIB + 5);
      await leave("a/b", bytes);
      const left = await takeOver(heir, "a/b");
      expect(left).toMatchObject({ bytes: bytes.length, isVisible: false });
      expect((await collect(left.read(NEVER), 16 * MIB)).equals(bytes)).toBe(true);
      const writer = await left.seal(size, NEVER);
      await expectAbsent(stand.target, "a/b");
      await writer.commit();
      expect((await readAll(stand.target, "a/b")).equals(bytes.subarray(0, size))).toBe(true);
    },
  );

  it("what was taken over is read as it was sealed", async () => {
    await leave("a", Buffer.from("whole and more"));
    const left = await takeOver(heir, "a");
    const writer = await left.seal(5, NEVER);
    expect(await collect(left.read(NEVER), 100)).toEqual(Buffer.from("whole"));
    await writer.abort();
  });

  it("nothing is ever appended to what another has written", async () => {
    await leave("a", Buffer.from("whole"));
    const writer = await (await takeOver(heir, "a")).seal(5, NEVER);
    await expect(writer.write(Buffer.from("x"))).rejects.toThrow(`${stand.target.url}/a`);
    await writer.flush();
    await writer.commit();
    expect((await readAll(stand.target, "a")).toString()).toBe("whole");
  });

  it("what was taken over may get another key", async () => {
    await leave("a.000000", Buffer.from("whole"));
    await (await (await takeOver(heir, "a.000000")).seal(5, NEVER)).commit("a");
    expect(await stand.target.list("", NEVER)).toEqual(["a"]);
  });

  it("what was taken over and then aborted, or removed, is gone", async () => {
    await leave("a", Buffer.from("aborted"));
    await leave("b", Buffer.from("removed"));
    const writer = await (await takeOver(heir, "a")).seal(7, NEVER);
    await writer.abort();
    await writer.abort();
    const left = await takeOver(heir, "b");
    await left.remove(NEVER);
    await left.remove(NEVER);
    for (const key of ["a", "b"]) {
      await expectAbsent(stand.target, key);
      expect(await stand.target.takeOver?.(key, SCOPE, NEVER)).toBeUndefined();
    }
  });

  it("what was taken over goes when its new owner does, and not with the old one", async () => {
    await leave("a", Buffer.from("old owner"));
    await leave("b", Buffer.from("new owner"));
    const kept = await (await takeOver(stand.target, "a")).seal(3, NEVER);
    await takeOver(heir, "b");
    await dead[Symbol.asyncDispose]();
    await heir[Symbol.asyncDispose]();
    expect(await stand.target.takeOver?.("b", SCOPE, NEVER)).toBeUndefined();
    await kept.commit();
    expect((await readAll(stand.target, "a")).toString()).toBe("old");
  });

  it("of a key that nobody has begun nothing is left, nor of its like, nor of another run", async () => {
    expect(await heir.takeOver?.("a/b", SCOPE, NEVER)).toBeUndefined();
    await leave("a/b", Buffer.from("text"));
    for (const key of ["a", "b", "a/b.", "a/b/c", "x/a/b"]) {
      expect(await heir.takeOver?.(key, SCOPE, NEVER), key).toBeUndefined();
    }
    expect(await heir.takeOver?.("a/b", `${SCOPE}1`, NEVER)).toBeUndefined();
    expect(await takeOver(heir, "a/b")).toMatchObject({ bytes: 4 });
  });

  it("an object that is visible comes back as such, and can only be sealed whole", async () => {
    await (await leave("a/b", Buffer.from("text"))).commit();
    const left = await takeOver(heir, "a/b");
    expect(left).toMatchObject({ bytes: 4, isVisible: true });
    expect((await collect(left.read(NEVER), 100)).toString()).toBe("text");
    await expect(left.seal(3, NEVER)).rejects.toMatchObject({ code: "failed" });
    const writer = await left.seal(4, NEVER);
    await expect(writer.write(Buffer.from("x"))).rejects.toMatchObject({ code: "failed" });
    await expect(writer.commit("a/c")).rejects.toMatchObject({ code: "failed" });
    await writer.flush();
    await writer.commit();
    await writer.abort();
    expect((await readAll(stand.target, "a/b")).toString()).toBe("text");
    await left.remove(NEVER);
    await expectAbsent(stand.target, "a/b");
  });

  it("of two that take it over at one time only one can commit it", async () => {
    for (let round = 0; round < 20; round++) {
      const key = `round/${round}`;
      await leave(key, Buffer.from("text"));
      const takers = [heir, stand.target];
      const taking = takers.map(async (taker) => await taker.takeOver?.(key, SCOPE, NEVER));
      const left = await Promise.all(taking);
      const attempts = left.map(async (object) => {
        const writer = await object?.seal(4, NEVER);
        if (writer !== undefined) writers.push(writer);
        await writer?.commit();
        return writer !== undefined;
      });
      const outcomes = await Promise.allSettled(attempts);
      const won = outcomes.filter((one) => one.status === "fulfilled" && one.value);
      expect(won).toHaveLength(1);
      expect((await readAll(stand.target, key)).toString()).toBe("text");
    }
  });

  it("a take-over that is aborted, or badly named, takes nothing", async () => {
    await leave("a", Buffer.from("text"));
    const reason = new DOMException("the run was cancelled", "AbortError");
    const taken = heir.takeOver?.("a", SCOPE, AbortSignal.abort(reason));
    await expect(taken).rejects.toBe(reason);
    await expect(heir.takeOver?.("../a", SCOPE, NEVER)).rejects.toMatchObject({ code: "usage" });
    await expect(heir.takeOver?.("a", "..", NEVER)).rejects.toMatchObject({ code: "usage" });
    await expect(heir.keepOrphans?.("..", NEVER)).rejects.toMatchObject({ code: "usage" });
    await heir.keepOrphans?.(`${SCOPE}1`, NEVER); // of which there are none
    await heir.keepOrphans?.(SCOPE, NEVER);
    await heir.keepOrphans?.(SCOPE, NEVER);
    expect(await takeOver(heir, "a")).toMatchObject({ bytes: 4 });
  });
}

/** What a mover does: commits after a good end of the promised size, and aborts on every other way out. */
async function store(
  target: Target,
  key: string,
  source: ByteStream,
  size: number,
  signal: AbortSignal,
): Promise<void> {
  const writer = await target.create(key, SCOPE, signal);
  try {
    let written = 0;
    for await (const chunk of source) {
      await writer.write(chunk);
      written += chunk.length;
    }
    if (written !== size) throw new PenstockError("failed", "the source was short");
    await writer.commit();
  } finally {
    await writer.abort();
  }
}

function storeText(target: Target, key: string, text: string): Promise<void> {
  return store(target, key, streamOf([Buffer.from(text)]), text.length, NEVER);
}

function putText(target: Target, key: string, text: string): Promise<boolean> {
  return target.putIfAbsent(key, Buffer.from(text), NEVER);
}

function readAll(target: Target, key: string): Promise<Buffer> {
  return collect(target.read(key, undefined, NEVER), 16 * MIB);
}

async function expectUnreadable(target: Target, key: string): Promise<void> {
  await expect(readAll(target, key)).rejects.toMatchObject({ code: "not_found" });
  expect(await target.stat(key, NEVER)).toBeUndefined();
}

async function expectAbsent(target: Target, key: string): Promise<void> {
  await expectUnreadable(target, key);
  expect(await target.list("", NEVER)).toEqual([]);
}

async function* streamOf(chunks: readonly Uint8Array[]): ByteStream {
  yield* chunks;
}

async function* oddChunks(bytes: Uint8Array): ByteStream {
  const sizes = [1, 65_536, 7, MIB + 1, 3, 4096];
  for (let begin = 0, i = 0; begin < bytes.length; i++) {
    const end = begin + (sizes[i % sizes.length] ?? 1);
    yield bytes.subarray(begin, end);
    begin = end;
  }
}
