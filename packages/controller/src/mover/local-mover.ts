import type { TlsMaterial } from "@penstock/common";
import type { Target } from "../targets/target.ts";
import { openTarget, type TargetConfig } from "../targets/targets.ts";
import { deliver } from "./deliver.ts";
import type { Mover } from "./jobs.ts";
import { startStore } from "./store.ts";
import { verify } from "./verify.ts";

/** A mover that works in this very thread. Opens each target once and closes them all at the end. */
export function createLocalMover(tls: TlsMaterial): Mover {
  const opened = new Map<string, Promise<Target>>();
  const ended = new AbortController();
  const targetOf = (config: TargetConfig): Promise<Target> => {
    const known = opened.get(config.url);
    if (known !== undefined) return known;
    const target = openTarget(config, ended.signal);
    opened.set(config.url, target);
    return target;
  };
  const alive = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, ended.signal]);
  return {
    store(job, events, signal) {
      const targets = Promise.all(job.targets.map(targetOf));
      return startStore(job, targets, tls, events, alive(signal));
    },
    async deliver(job, events, signal) {
      await deliver(job, await targetOf(job.target), tls, events, alive(signal));
    },
    async verify(job, events, signal) {
      await verify(job, await targetOf(job.target), events, alive(signal));
    },
    async [Symbol.asyncDispose]() {
      ended.abort();
      for (const target of await Promise.allSettled(opened.values())) {
        if (target.status === "fulfilled") await target.value[Symbol.asyncDispose]();
      }
    },
  };
}
