import {
  DURATION_ALLOWED,
  durationField,
  formatDuration,
  type Milliseconds,
  unexpected,
} from "@penstock/common";
import { z } from "zod";

/** How long a run may stand still until it fails. */
export interface StallTimeouts {
  readonly backup: Milliseconds;
  readonly restore: Milliseconds;
}

const LEAST_MS = 1000;

/** In a restore the tool may take nothing for hours, since it makes an index of what it has. */
const limits: z.ZodType<StallTimeouts> = z.strictObject({
  backup: durationField(LEAST_MS).prefault("10m").describe("How long a backup may stand still"),
  restore: durationField(LEAST_MS).prefault("6h").describe("How long a restore may stand still"),
});

const ofBoth = durationField(LEAST_MS).transform(
  (ms): StallTimeouts => ({ backup: ms, restore: ms }),
);

/** One length of time for both, or one for each. */
export const stallField: z.ZodType<StallTimeouts> = z
  .union([ofBoth, limits], {
    error: ({ input }) => unexpected(input, `${DURATION_ALLOWED}, or a map of backup and restore`),
  })
  .prefault({});

/** The timeouts in the form of the file. */
export function printableStall({ backup, restore }: StallTimeouts): unknown {
  if (backup === restore) return formatDuration(backup);
  return { backup: formatDuration(backup), restore: formatDuration(restore) };
}
