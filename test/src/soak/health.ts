import { readdir } from "node:fs/promises";
import type { AgentHost } from "../harness/agent-host.ts";
import { residentBytes } from "../harness/processes.ts";

const MIB = 2 ** 20;
/** After so many rounds an agent has come to its size. */
const WARM_UP_ROUNDS = 4;
/** How much more memory than then an agent may hold between rounds: garbage, and buffers of Node. */
const GROWTH_BOUND_BYTES = 160 * MIB;
/** It holds none for runs that are over; a connection may just be closing. */
const GROWTH_BOUND_DESCRIPTORS = 16;

/** What an agent process has taken since it was started. */
interface Size {
  readonly pid: number;
  readonly rounds: number;
  readonly bytes: number;
  readonly descriptors: number;
}

/** Whether agents grow from round to round. */
export class Health {
  readonly #basis: Map<string, Size> = new Map();

  /** To be called between rounds. One line for each bound that this agent has broken. */
  async problems({ name, child: { pid } }: AgentHost): Promise<string[]> {
    const bytes = await residentBytes(pid);
    const descriptors = (await readdir(`/proc/${pid}/fd`)).length;
    const before = this.#basis.get(name);
    const isSame = before?.pid === pid;
    const rounds = isSame ? before.rounds + 1 : 1;
    if (!isSame || rounds <= WARM_UP_ROUNDS) {
      const most = isSame ? before : { bytes: 0, descriptors: 0 };
      this.#basis.set(name, {
        ...{ pid, rounds },
        bytes: Math.max(bytes, most.bytes),
        descriptors: Math.max(descriptors, most.descriptors),
      });
      return [];
    }
    return growth(before, { bytes, descriptors }).map((problem) => `agent ${name} ${problem}`);
  }
}

function growth(before: Size, now: Pick<Size, "bytes" | "descriptors">): string[] {
  const problems: string[] = [];
  if (now.bytes > before.bytes + GROWTH_BOUND_BYTES) {
    problems.push(`has grown from ${toMib(before.bytes)} to ${toMib(now.bytes)} MiB`);
  }
  if (now.descriptors > before.descriptors + GROWTH_BOUND_DESCRIPTORS) {
    problems.push(`holds ${now.descriptors} descriptors instead of ${before.descriptors}`);
  }
  return problems;
}

function toMib(bytes: number): string {
  return (bytes / MIB).toFixed(0);
}
