import type { Content, StreamPlan, ToolFault } from "./round-plan.ts";

/** What the tool of one host moves, and what is to happen to it. */
export interface ToolPlan {
  readonly host: string;
  readonly streams: readonly StreamPlan[];
  readonly fault: ToolFault | undefined;
}

/** What a tool says before it fails on purpose. */
const PLANNED = "a planned failure";

/** What is to be done for a stream, in order; a failure ends it. */
type Steps = readonly string[];

/**
 * A tool for `sh` that writes its host's streams from the file `pool`, all at one time, in pieces with
 * pauses. Its arguments are the pipes, in order.
 */
export function dumpScript(plan: ToolPlan, pool: string): string {
  const piece = `piece() { tail -c +"$1" '${pool}' | head -c "$2"; }\n`;
  return piece + toScript(plan, ">", ({ content }) => piecesOf(content).map(toWriting));
}

/**
 * A tool that reads the same streams into files of the folder `out`: `STREAM`, and `STREAM.end` once
 * it has seen the end.
 */
export function loadScript(plan: ToolPlan, out: string): string {
  return toScript(plan, "<", ({ content, stream: { name } }) => [
    ...piecesOf(content).map(({ bytes }) => `head -c ${bytes} >> '${out}/${name}'`),
    `cat >> '${out}/${name}' && : > '${out}/${name}.end'`,
  ]);
}

/** One stream of this host. */
interface Own {
  readonly stream: StreamPlan;
  readonly content: Content;
}

/** All streams beside each other; that of the tool's own standard output or input in front. */
function toScript(plan: ToolPlan, way: "<" | ">", stepsOf: (own: Own) => Steps): string {
  let pipes = 0;
  const jobs = plan.streams.map((stream, index) => {
    const content = contentOn(stream, plan.host);
    const isStruck = plan.fault?.stream === index;
    const steps = stepsOf({ stream, content });
    const all = isStruck && plan.fault ? withFault(steps, plan.fault) : steps;
    const body = `( ${all.join(` && sleep ${content.pauseMs / 1000} && `)} )`;
    if (stream.kind === "stdout") return { inFront: `${body} || exit 3\n`, behind: "" };
    pipes += 1;
    const start = `${body} ${way} "$${pipes}" &\np${pipes}=$!\n`;
    return { behind: start, inFront: `wait $p${pipes} || exit 3\n` };
  });
  return jobs.map(({ behind }) => behind).join("") + jobs.map(({ inFront }) => inFront).join("");
}

function contentOn({ name, contents }: StreamPlan, host: string): Content {
  const content = contents[host];
  if (content === undefined) throw new Error(`stream ${name} has no content on ${host}`);
  return content;
}

function withFault(steps: Steps, fault: ToolFault): Steps {
  return [...steps.slice(0, fault.piece), FAULTS[fault.kind], ...steps.slice(fault.piece)];
}

/** What a killed tool has started goes on, as it would if an operator had killed it. */
const FAULTS: Readonly<Record<ToolFault["kind"], string>> = {
  "tool exits": `{ echo "${PLANNED}" >&2; exit 3; }`,
  "tool killed": "kill -KILL $$",
  "tool hangs": "sleep 1000",
};

/** Parts of the pool; nothing for an empty stream but its opening. */
function piecesOf({ fromByte, bytes, pieces }: Content): { fromByte: number; bytes: number }[] {
  const at = (piece: number): number => Math.floor((bytes * piece) / pieces);
  return Array.from({ length: pieces }, (_, piece) => ({
    fromByte: fromByte + at(piece),
    bytes: at(piece + 1) - at(piece),
  }));
}

function toWriting({ fromByte, bytes }: { fromByte: number; bytes: number }): string {
  return `piece ${fromByte + 1} ${bytes}`;
}
