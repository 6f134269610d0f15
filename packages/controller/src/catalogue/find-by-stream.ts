import type { Manifest } from "@penstock/common";
import type { FoundSet, NamedTarget } from "./catalogue.ts";
import { readIfWhole } from "./documents.ts";
import { setKeys, setTimeMs } from "./keys.ts";
import { setNames } from "./set-names.ts";

/** A stream that only one committed set can have. */
export interface Sign {
  readonly cluster: string;
  /** The producer's type. */
  readonly producer: string;
  /** If there is a `YYYYMMDDHHMMSS` in it, of any time zone, the set is looked for there first. */
  readonly stream: string;
  /** Also one that is not committed, if none is. */
  readonly withFailed?: boolean;
}

/**
 * The committed set that has this stream, on the first of the targets that has it. A damaged manifest
 * is passed over: other commands tell of it. With `withFailed` it is thrown if none else has the stream.
 */
export async function findByStream<T extends NamedTarget>(
  targets: readonly T[],
  sign: Sign,
  signal: AbortSignal,
): Promise<FoundSet<T> | undefined> {
  const documents =
    sign.withFailed === true ? (["manifest", "failed"] as const) : ["manifest" as const];
  const damaged: unknown[] = [];
  for (const document of documents) {
    for (const target of targets) {
      const names = await setNames(target.target, sign.cluster, signal);
      for (const set of byNearness(names, sign.stream)) {
        const key = setKeys(sign.cluster, set)[document];
        const manifest = await readIfWhole(
          target.target,
          key,
          (error) => damaged.push(error),
          signal,
        );
        if (manifest !== undefined && has(manifest, sign)) return { manifest, target };
      }
    }
  }
  if (sign.withFailed === true && damaged.length > 0) throw damaged[0];
  return undefined;
}

function has({ producer, streams }: Manifest, sign: Sign): boolean {
  return producer === sign.producer && streams.some(({ name }) => name === sign.stream);
}

function byNearness(names: readonly string[], sign: string): string[] {
  const nearMs = setTimeMs(/\d{14}/.exec(sign)?.[0] ?? "");
  const distance = (name: string): number => Math.abs(setTimeMs(name) - nearMs);
  return [...names].sort((a, b) => distance(a) - distance(b));
}
