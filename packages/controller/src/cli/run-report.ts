import { isAbortError, PenstockError, toError, toPenstockError } from "@penstock/common";
import type { Reporter } from "../runs/report.ts";
import type { GlobalArguments } from "./options.ts";
import { printJson } from "./print.ts";
import { createProgress } from "./progress-lines.ts";

/** What a result is about, as far as it is known. */
export interface About {
  readonly plan?: string;
  readonly set?: string;
}

/**
 * Does something that reports: for people on standard error, for programs as one JSON object a line
 * on standard output. A failure becomes a last `result` object too, and is thrown on.
 */
export async function openReport<T>(
  output: GlobalArguments["output"],
  about: About,
  action: (report: Reporter) => Promise<T>,
): Promise<T> {
  if (output === "json") return await reportJson(about, action);
  using progress = createProgress(process.stderr);
  return await action(progress.report);
}

async function reportJson<T>(about: About, action: (report: Reporter) => Promise<T>): Promise<T> {
  let known = about;
  try {
    return await action((report) => {
      if (report.event === "started") known = { ...about, set: report.set };
      printJson(report);
    });
  } catch (error) {
    const status = isAbortError(error) ? "cancelled" : "failed";
    const { code, message } = explained(error);
    printJson({ event: "result", ...known, status, code, error: message });
    throw error;
  }
}

function explained(error: unknown): { code: string; message: string } {
  if (error instanceof PenstockError) return error;
  if (isAbortError(error)) return { code: "cancelled", message: toError(error).message };
  return { code: "internal", message: toPenstockError(error, "run").message };
}
