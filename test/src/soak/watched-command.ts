import { setTimeout as delay } from "node:timers/promises";
import type { Child } from "../harness/child.ts";
import { untilFound } from "../harness/until.ts";
import type { Moment } from "./round-plan.ts";

/** A backup or restore with `-o json`, as far as it has told of itself. */
export class WatchedCommand {
  readonly child: Child;
  readonly #bytes: Map<string, number> = new Map();
  #readChars = 0;

  constructor(child: Child) {
    this.child = child;
  }

  /** The set that it makes or restores; undefined as long as that is not known. */
  get set(): string | undefined {
    return /"event":"started","run":"[^"]*","set":"(\d+)"/.exec(this.child.stdout.text)?.[1];
  }

  /** Resolves with true when the moment has come, with false if the command has ended before. */
  async reaches(moment: Moment, signal: AbortSignal): Promise<boolean> {
    const ended = new AbortController();
    void this.child.exited.then(() => ended.abort());
    const either = AbortSignal.any([signal, ended.signal]);
    try {
      await this.child.stdout.waitFor(/"event":"started"/, either);
      if ("ms" in moment) await delay(moment.ms, undefined, { signal: either });
      else await untilFound(async () => this.#hasMoved(moment.bytes), "bytes", either);
      return this.child.isRunning;
    } catch {
      signal.throwIfAborted();
      return false;
    }
  }

  #hasMoved(bytes: number): true | undefined {
    const { text } = this.child.stdout;
    const complete = text.lastIndexOf("\n") + 1;
    const news = text.slice(this.#readChars, complete);
    this.#readChars = complete;
    const flowing = /"event":"stream","stream":"([^"]+)".*"bytes":(\d+)/g;
    for (const [, stream = "", seen] of news.matchAll(flowing)) {
      this.#bytes.set(stream, Number(seen));
    }
    const sum = [...this.#bytes.values()].reduce((total, each) => total + each, 0);
    return sum > 0 && sum >= bytes ? true : undefined;
  }
}
