import { isAbortError, PenstockError, toPenstockError } from "@penstock/common";
import type { Reporter } from "../run/report.ts";
import type { GlobalArguments } from "./options.ts";
import { printJson } from "./print.ts";
import { createProgress } from "./progress-lines.ts";

/**
 * Does something that reports: for people on standard error, for programs as one JSON object a line
 * on standard output. A failure becomes a last `result` object too, and is thrown on.
 */
export async function openReport<T>(
  output: GlobalArguments["output"],
  action: (report: Reporter) => Promise<T>,
): Promise<T> {
  if (output === "json") return await reportJson(action);
  using progress = createProgress(process.stderr);
  return await action(progress.report);
}

async function reportJson<T>(action: (report: Reporter) => Promise<T>): Promise<T> {
  let run: string | undefined;
  try {
    return await action((report) => {
      if (report.event === "started") run = report.run;
      printJson(report);
    });
  } catch (error) {
    const status = isAbortError(error) ? "cancelled" : "failed";
    const { code, message } = explained(error);
    printJson({ event: "result", ...(run === undefined ? {} : { set: run }), status, code, error: message });
    throw error;
  }
}

function explained(error: unknown): { code: string; message: string } {
  if (error instanceof PenstockError) return error;
  return { code: isAbortError(error) ? "cancelled" : "internal", message: toPenstockError(error, "run").message };
}
