import { z } from "zod";
import type { Progress, StreamStatus } from "./run-status.ts";

/** What a run is. */
export interface RunAbout {
  readonly run: string;
  /** The set that is made, or restored. */
  readonly set: string;
  readonly plan: string;
  readonly cluster: string;
  readonly kind: "backup" | "restore";
  /** Of its controller, on this host. */
  readonly pid: number;
  readonly startedAt: string;
}

/** What `penstock status` tells of a run. Bytes are stored bytes; rates are per second. */
export interface RunSnapshot extends RunAbout, Progress {
  /** What it may move a second; null if it is not throttled. */
  readonly throttle: number | null;
}

const about = {
  run: z.string(),
  set: z.string(),
  plan: z.string(),
  cluster: z.string(),
  kind: z.enum(["backup", "restore"]),
  pid: z.number(),
  startedAt: z.string(),
};

const stream: z.ZodType<StreamStatus> = z.object({
  name: z.string(),
  host: z.string(),
  state: z.enum(["preparing", "attached", "flowing", "received", "done", "absent", "failed"]),
  bytes: z.number(),
  rate: z.number(),
  reconnects: z.number(),
  expectedBytes: z.number().exactOptional(),
  isStraggler: z.boolean(),
});

/** Checks what a run's log begins with. */
export const runAboutSchema: z.ZodType<RunAbout> = z.object(about);

/** Checks what a controller says of its run: it may be another version than we are. */
export const runSnapshotSchema: z.ZodType<RunSnapshot> = z.object({
  ...about,
  throttle: z.number().nullable(),
  bytes: z.number(),
  expectedBytes: z.number().exactOptional(),
  rate: z.number(),
  eta: z.number().nullable(),
  reconnects: z.number(),
  warnings: z.array(z.string()),
  streams: z.array(stream),
});
