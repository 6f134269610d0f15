import { z } from "zod";

/** How the bytes of a stream reach the agent, or leave it. */
export type StreamKind = "fifo" | "file" | "stdout" | "stdin" | "plugin";

/** What the agent does to the bytes of a stream. */
export type CodecName = "none" | "gzip" | "zstd";

/**
 * What a run stored: its streams with sizes and digests. Written last; its presence is the commit.
 * `failed.json` has the same form, with the streams that were finished. Digests are SHA-256 in
 * hexadecimal, times ISO 8601 in UTC, sizes bytes.
 */
export interface Manifest {
  readonly formatVersion: 1;
  readonly set: string;
  readonly cluster: string;
  readonly plan: string;
  /** The producer's type. */
  readonly producer: string;
  readonly status: "committed" | "failed";
  readonly startedAt: string;
  readonly endedAt: string;
  /** Why a failed run failed. */
  readonly error?: string;
  /** What the tools of a good run were not happy with. */
  readonly warnings?: readonly string[];
  readonly streams: readonly Receipt[];
}

/** The proof that one stream is complete. */
export interface Receipt {
  readonly name: string;
  readonly host: string;
  readonly kind: StreamKind;
  /** "" for stdout and stdin; for a plugin the key under which it handed the bytes over. */
  readonly path: string;
  readonly contentId?: number;
  readonly dbid?: number;
  readonly codec: CodecName;
  readonly encrypted: boolean;
  readonly bytesRaw: number;
  readonly bytesStored: number;
  readonly sha256Raw: string;
  readonly sha256Stored: string;
  /** In order; joined they are the stored bytes. */
  readonly objects: readonly StoredObject[];
  /** The tool that wrote the stream; null for a collected regular file. */
  readonly tool: ToolOutcome | null;
  /** How often the connection to the agent was lost and came back. */
  readonly reconnects: number;
}

/** One object of a stream. */
export interface StoredObject {
  /** Relative to the target. */
  readonly key: string;
  readonly bytes: number;
  readonly sha256: string;
  /** The list of the object's parts, an object of its own. */
  readonly parts: { readonly key: string; readonly sha256: string };
}

/** How a tool ended. Exactly one of `exitCode` and `signal` is there. */
export interface ToolOutcome {
  readonly name: string;
  readonly exitCode?: number;
  readonly signal?: string;
}

/** What streams come to together, in bytes. */
export function sizesOf(
  streams: readonly Pick<Receipt, "bytesRaw" | "bytesStored">[],
): Pick<Receipt, "bytesRaw" | "bytesStored"> {
  return {
    bytesRaw: streams.reduce((sum, stream) => sum + stream.bytesRaw, 0),
    bytesStored: streams.reduce((sum, stream) => sum + stream.bytesStored, 0),
  };
}

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.number().int().nonnegative();

const storedObject: z.ZodType<StoredObject> = z.strictObject({
  key: z.string(),
  bytes: count,
  sha256,
  parts: z.strictObject({ key: z.string(), sha256 }),
});

/** Checks one stream's receipt. */
export const receiptSchema: z.ZodType<Receipt> = z.strictObject({
  name: z.string(),
  host: z.string(),
  kind: z.enum(["fifo", "file", "stdout", "stdin", "plugin"]),
  path: z.string(),
  contentId: z.number().int().exactOptional(),
  dbid: z.number().int().exactOptional(),
  codec: z.enum(["none", "gzip", "zstd"]),
  encrypted: z.boolean(),
  bytesRaw: count,
  bytesStored: count,
  sha256Raw: sha256,
  sha256Stored: sha256,
  objects: z.array(storedObject),
  tool: z
    .strictObject({
      name: z.string(),
      exitCode: z.number().int().exactOptional(),
      signal: z.string().exactOptional(),
    })
    .nullable(),
  reconnects: count,
});

/** Checks `manifest.json` and `failed.json`. */
export const manifestSchema: z.ZodType<Manifest> = z.strictObject({
  formatVersion: z.literal(1),
  set: z.string(),
  cluster: z.string(),
  plan: z.string(),
  producer: z.string(),
  status: z.enum(["committed", "failed"]),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  error: z.string().exactOptional(),
  warnings: z.array(z.string()).exactOptional(),
  streams: z.array(receiptSchema),
});
