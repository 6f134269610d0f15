import { Pace, type TlsMaterial } from "@penstock/common";
import type { Target } from "../targets/target.ts";
import { openTarget, type TargetConfig } from "../targets/targets.ts";
import { AgentLinks } from "./agent-link.ts";
import { deliver } from "./deliver.ts";
import type { Mover } from "./jobs.ts";
import { startStore } from "./store.ts";
import { verify } from "./verify.ts";

/** A mover that works in this very thread. Opens each target once and closes them all at the end. */
export function createLocalMover(tls: TlsMaterial): Mover {
  const opened = new Map<string, Promise<Target>>();
  const links = new AgentLinks(tls);
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
      const orphanMs = job.from.patienceMs; // as long as the agents keep the run
      const targets = Promise.all(job.targets.map((config) => targetOf({ ...config, orphanMs })));
      const link = links.open(job.from, events);
      return startStore(job, targets, link, events, alive(signal));
    },
    deliver(job, events, signal) {
      const link = links.open(job.to, events);
      const pace = new Pace();
      pace.rate = job.rate;
      const begin = Promise.withResolvers<void>();
      const limitBytes = (): number => links.shareBytes();
      const ends = { link, pace, limitBytes, begin: begin.promise };
      return {
        delivered: deliver(job, targetOf(job.target), ends, events, alive(signal)),
        begin: () => begin.resolve(),
        setRate(rate) {
          pace.rate = rate;
        },
      };
    },
    async verify(job, events, signal) {
      await verify(job, await targetOf(job.target), events, alive(signal));
    },
    async [Symbol.asyncDispose]() {
      ended.abort();
      links[Symbol.dispose]();
      for (const target of await Promise.allSettled(opened.values())) {
        if (target.status === "fulfilled") await target.value[Symbol.asyncDispose]();
      }
    },
  };
}
