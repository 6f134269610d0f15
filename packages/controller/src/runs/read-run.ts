import { LOG_FIELD } from "@penstock/common";
import { z } from "zod";
import { readLog } from "./log-file.ts";
import type { RunFolder } from "./run-folder.ts";
import { RUN_ENDED } from "./run-log.ts";
import { type RunAbout, runAboutSchema } from "./run-snapshot.ts";

const endSchema = z.object({ msg: z.literal(RUN_ENDED), status: z.string() });

const lineSchema = z.object({ [LOG_FIELD.host]: z.string(), [LOG_FIELD.number]: z.number() });

/** What a run is, by its log; `undefined` if that does not say so. */
export async function readAbout(folder: RunFolder): Promise<RunAbout | undefined> {
  for await (const line of linesOf(folder)) {
    return runAboutSchema.safeParse({ cluster: folder.cluster, ...parse(line) }).data;
  }
  return undefined;
}

/** How a run has ended, by its log; `undefined` if it has not, or its controller was killed. */
export async function readEnd(folder: RunFolder): Promise<string | undefined> {
  let last = "";
  for await (const line of linesOf(folder)) last = line;
  return endSchema.safeParse(parse(last)).data?.status;
}

/** Number of the last line that a run's log has of each agent; none if it has no log yet. */
export async function readNumbers(folder: RunFolder): Promise<Map<string, number>> {
  const numbers = new Map<string, number>();
  for await (const line of linesOf(folder)) {
    const { host, number } = lineSchema.safeParse(parse(line)).data ?? {};
    if (host !== undefined && number !== undefined) numbers.set(host, number);
  }
  return numbers;
}

function linesOf(folder: RunFolder): AsyncIterable<string> {
  return readLog(folder, () => Promise.resolve(true), new AbortController().signal);
}

function parse(line: string): object {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
