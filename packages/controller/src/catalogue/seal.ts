import { createHash } from "node:crypto";

/** The end of a sealed document: always as many bytes. */
const SEAL = /^ {2}"sha256": "([0-9a-f]{64})"\n\}\n$/;
const SEAL_BYTES = toSeal("").length;

/**
 * An object as indented JSON whose last field, `sha256`, is the digest of all bytes before its line:
 * nothing else in the catalogue vouches for a manifest.
 */
export function seal(value: object): Buffer {
  const json = JSON.stringify(value, undefined, 2);
  const head = `${json.slice(0, json.lastIndexOf("\n}"))},\n`;
  return Buffer.from(head + toSeal(head));
}

/** The inverse, without that field; `undefined` if a single byte is not as it was. */
export function unseal(document: Buffer): unknown {
  const head = document.subarray(0, -SEAL_BYTES);
  const [tail, digest] = SEAL.exec(document.subarray(-SEAL_BYTES).toString("latin1")) ?? [];
  if (tail === undefined || digest !== sha256(head)) return undefined;
  const { sha256: _, ...value } = JSON.parse(document.toString("utf8"));
  return value;
}

function toSeal(head: string): string {
  return `  "sha256": "${sha256(head)}"\n}\n`;
}

function sha256(bytes: string | Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
