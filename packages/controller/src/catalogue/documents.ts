import { collect, hasCode, type Manifest, manifestSchema, PenstockError } from "@penstock/common";
import { z } from "zod";
import type { Target } from "../targets/target.ts";
import { seal, unseal } from "./seal.ts";

/** Of one document: far more than any comes to. */
export const DOCUMENT_LIMIT_BYTES: number = 256 * 1024 * 1024;

/** What is known of a set before it has ended: `started.json`. */
export interface Started {
  readonly formatVersion: 1;
  readonly set: string;
  readonly cluster: string;
  readonly plan: string;
  readonly producer: string;
  readonly startedAt: string;
  /** Names of the agents that take part. */
  readonly hosts: readonly string[];
}

const startedSchema: z.ZodType<Started> = z.strictObject({
  formatVersion: z.literal(1),
  set: z.string(),
  cluster: z.string(),
  plan: z.string(),
  producer: z.string(),
  startedAt: z.iso.datetime(),
  hosts: z.array(z.string()),
});

/** A manifest or failed.json; `undefined` if it is not there, `damaged` if it is not one. */
export function readManifestAt(
  target: Target,
  key: string,
  signal: AbortSignal,
): Promise<Manifest | undefined> {
  return readDocument(target, key, manifestSchema, signal);
}

/** As `readManifestAt`; one that is damaged is passed over, but told of. */
export async function readIfWhole(
  target: Target,
  key: string,
  onDamaged: (error: unknown) => void,
  signal: AbortSignal,
): Promise<Manifest | undefined> {
  try {
    return await readManifestAt(target, key, signal);
  } catch (error) {
    if (!hasCode(error, "damaged")) throw error;
    onDamaged(error);
    return undefined;
  }
}

/** A started.json; `undefined` if it is not there, `damaged` if it is not one. */
export function readStartedAt(
  target: Target,
  key: string,
  signal: AbortSignal,
): Promise<Started | undefined> {
  return readDocument(target, key, startedSchema, signal);
}

/** The bytes of a document as it is stored: indented JSON, for people too, with its own digest. */
export function toDocument(value: Manifest | Started): Buffer {
  return seal(value);
}

async function readDocument<T>(
  target: Target,
  key: string,
  schema: z.ZodType<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  const body = await readSmall(target, key, signal);
  if (body === undefined) return undefined;
  const what = `object ${key} on ${target.url}`;
  const value = unseal(body);
  if (value === undefined) throw new PenstockError("damaged", `${what} is not what was stored`);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue === undefined ? "" : `: ${issue.path.join(".")}: ${issue.message}`;
  throw new PenstockError("damaged", `${what} is not what Penstock writes${place}`);
}

async function readSmall(
  target: Target,
  key: string,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  try {
    const range = { offset: 0, length: DOCUMENT_LIMIT_BYTES };
    return await collect(target.read(key, range, signal), DOCUMENT_LIMIT_BYTES);
  } catch (error) {
    if (hasCode(error, "not_found")) return undefined;
    throw error;
  }
}
