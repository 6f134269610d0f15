import { formatRate } from "@penstock/common";
import type { Progress, StreamStatus } from "../runs/run-status.ts";
import { humanBytes, table } from "./table.ts";

/** Streams that hold up the others come first, those that need nobody last. */
const ORDER: Readonly<Record<StreamStatus["state"], number>> = {
  failed: 1,
  flowing: 2,
  received: 3,
  attached: 4,
  preparing: 5,
  done: 6,
  absent: 6,
};

/** A run in one line: bytes, rate, streams that are done, and when it may end. */
export function totalLine(progress: Progress, throttle: number | null = null): string {
  const { bytes, expectedBytes, rate, eta, reconnects, streams } = progress;
  const done = streams.filter(({ state }) => state === "done").length;
  const isKnown = expectedBytes !== undefined && expectedBytes > bytes;
  const parts = [
    isKnown ? `${humanBytes(bytes)} of about ${humanBytes(expectedBytes)}` : humanBytes(bytes),
    `${humanBytes(rate)}/s${throttle === null ? "" : ` (at most ${formatRate(throttle)})`}`,
    `${done} of ${streams.length} streams done`,
    ...(eta === null ? [] : [`about ${humanSeconds(eta)} left`]),
    ...(reconnects === 0 ? [] : [`${reconnects} reconnects`]),
  ];
  return parts.join(", ");
}

/** One line per stream under a heading, stragglers first; of too many it is said how many more. */
export function streamLines(streams: readonly StreamStatus[], most: number): string[] {
  if (streams.length === 0) return [];
  const sorted = [...streams].sort((a, b) => rank(a) - rank(b));
  const shown = sorted.slice(0, sorted.length > most ? Math.max(most - 1, 0) : most);
  const headings = ["HOST", "STREAM", "BYTES", "BYTES/S", "RECONNECTS", "STATE"];
  const lines = table([headings, ...shown.map(toRow)])
    .trimEnd()
    .split("\n");
  const more = sorted.length - shown.length;
  return more === 0 ? lines : [...lines, `and ${more} more streams`];
}

/** Seconds for a person: "45 s", "12 min", "3 h 05 min". */
function humanSeconds(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

function rank({ isStraggler, state }: StreamStatus): number {
  return isStraggler ? 0 : ORDER[state];
}

function toRow({
  host,
  name,
  bytes,
  rate,
  reconnects,
  state,
  isStraggler,
}: StreamStatus): string[] {
  const speed = state === "flowing" ? humanBytes(rate) : "";
  const note = isStraggler ? `${state}  << slow` : state;
  return [host, name, humanBytes(bytes), speed, String(reconnects), note];
}
