import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Receipt } from "@penstock/common";
import { StreamWriter } from "@penstock/controller/simulation";
import { Disk } from "./disk.ts";
import { KEY, openTargets, SCOPE, STREAM } from "./setting.ts";
import { VirtualProcess } from "./virtual-process.ts";
import { World } from "./world.ts";

/** What a backup without faults would have stored. */
export interface Stored {
  readonly receipt: Receipt;
  readonly objects: ReadonlyMap<string, Buffer>;
}

/** Stores bytes as a mover does, in a world of its own in which nothing goes wrong. */
export async function store(data: Buffer, segmentBytes: number): Promise<Stored> {
  const world = new World(0, false);
  const plan = { mostDelayMs: 0, stallMs: 0, failsAt: undefined, rottenChunk: undefined };
  const disk = new Disk(world, plan);
  const process = new VirtualProcess("writer", world.clock);
  const place = { key: KEY, scope: SCOPE, segmentBytes };
  const events = { onDurable() {}, onFailed() {} };
  const writing = async (): Promise<Receipt["objects"]> => {
    await using writer = new StreamWriter(place, events, process.clock);
    await writer.open(openTargets([disk], process), world.never);
    if (data.length > 0) await writer.write({ offset: 0, data, crc32: crc32(data) }, world.never);
    await writer.finish();
    return await writer.publish(world.never);
  };
  const written = writing();
  await world.clock.run(() => false, Number.POSITIVE_INFINITY);
  return { receipt: toReceipt(data, await written), objects: disk.visible };
}

function toReceipt(data: Buffer, objects: Receipt["objects"]): Receipt {
  const sha256 = createHash("sha256").update(data).digest("hex");
  return {
    name: STREAM.stream,
    host: STREAM.host,
    kind: "fifo",
    path: "",
    codec: "none",
    encrypted: false,
    bytesRaw: data.length,
    bytesStored: data.length,
    sha256Raw: sha256,
    sha256Stored: sha256,
    objects,
    tool: null,
    reconnects: 0,
  };
}
