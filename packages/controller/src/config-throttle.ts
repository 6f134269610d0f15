import { formatRate, quote, RATE_ALLOWED, rateField, unexpected } from "@penstock/common";
import { z } from "zod";
import type { PaceLimits } from "./run/pace-shares.ts";
import type { PaceWindow } from "./run/pace-windows.ts";

const TIME_ALLOWED = "hours and minutes of the local time, 00:00 to 23:59";

const THROTTLE_ALLOWED = `${RATE_ALLOWED}, or a map with the keys run, host, stream`;

const ofRun = rateField.transform(
  (run): PaceLimits => ({ run, host: undefined, stream: undefined }),
);

const limits: z.ZodType<PaceLimits> = z.strictObject({
  run: rateField.prefault("off").describe("For all streams together"),
  host: rateField.prefault("off").describe("For the streams of each host together"),
  stream: rateField.prefault("off").describe("For each stream"),
});

/** A rate for the whole run, or rates for the run, for each host and for each stream. */
export const throttleField: z.ZodType<PaceLimits> = z.union([ofRun, limits], {
  error: ({ input }) => unexpected(input, THROTTLE_ALLOWED),
});

const timeField = z.string().superRefine((time, context) => {
  if (/^([01]\d|2[0-3]):[0-5]\d$/.test(time)) return;
  const message = `bad time ${quote(time)}; allowed: ${TIME_ALLOWED}`;
  context.addIssue({ code: "custom", message, continue: false });
});

const window: z.ZodType<PaceWindow> = z
  .strictObject({
    from: timeField.optional().describe("When it begins, such as 22:00"),
    to: timeField.optional().describe("When it ends; before from: on the next day"),
    rate: rateField.describe("For all streams together, in place of throttle"),
  })
  .superRefine(({ from, to }, context) => {
    if (from === to && from !== undefined) {
      const message = `from and to are both ${from}; allowed: two times, or neither for the whole day`;
      context.addIssue({ code: "custom", message });
    }
    if ((from === undefined) !== (to === undefined)) {
      const message = `${from === undefined ? "to" : "from"} alone; allowed: from and to, or neither for the whole day`;
      context.addIssue({ code: "custom", message });
    }
  });

/** The run's rate by the time of day: the first window that is open counts. */
export const windowsField: z.ZodType<readonly PaceWindow[]> = z.array(window);

/** The limits in the form of the file. */
export function printableThrottle({ run, host, stream }: PaceLimits): unknown {
  if (host === undefined && stream === undefined) return formatRate(run);
  return { run: formatRate(run), host: formatRate(host), stream: formatRate(stream) };
}

/** The windows in the form of the file. */
export function printableWindows(windows: readonly PaceWindow[]): object[] {
  return windows.map((entry) => ({ ...entry, rate: formatRate(entry.rate) }));
}
