import {
  type Bytes,
  type CodecName,
  countField,
  durationField,
  type Milliseconds,
  nameField,
  sizeField,
} from "@penstock/common";
import { z } from "zod";
import { type StallTimeouts, stallField } from "./config-stall.ts";
import { throttleField, windowsField } from "./config-throttle.ts";
import { type ProducerConfig, producerSchema } from "./producers/producers.ts";
import type { PaceLimits } from "./run/pace-shares.ts";
import type { PaceWindow } from "./run/pace-windows.ts";

/** What is backed up, how and whereto. */
export interface PlanConfig {
  readonly producer: ProducerConfig;
  /** Names of targets; a set is committed on all of them or on none. */
  readonly targets: readonly string[];
  readonly compression: CodecName;
  /** Who can decrypt; nobody encrypts yet, so there are none. */
  readonly recipients: readonly string[];
  /** In stored bytes. */
  readonly throttle: PaceLimits;
  /** The run's limit by the time of day; outside of all of them that of `throttle` holds. */
  readonly windows: readonly PaceWindow[];
  /** How many tools run at a time. */
  readonly limits: { readonly perHost: number; readonly total: number };
  /** How long pipes may stay open, or unopened, after their tools have ended. */
  readonly grace: Milliseconds;
  /** How long a run may stand still until it fails: the tool may hold locks. */
  readonly stall_timeout: StallTimeouts;
  /** How long an agent keeps a run without a sign of its controller, and the reverse. */
  readonly lease: Milliseconds;
  /** A longer stream is stored in several objects. */
  readonly segmentSize: Bytes;
}

const recipients = z.array(z.string()).superRefine((entries, context) => {
  if (entries.length === 0) return;
  const message = "encryption is not available in this version; allowed: no recipients";
  context.addIssue({ code: "custom", message });
});

const limits = z.strictObject({
  perHost: countField(1, 1000).prefault(4).describe("On one host"),
  total: countField(1, 10_000).prefault(16).describe("On all hosts together"),
});

/** The schema of one plan. */
export const planSchema: z.ZodType<PlanConfig> = z.strictObject({
  producer: producerSchema.describe("The dump tool and what it writes"),
  targets: z.array(nameField).min(1).describe("Where every set is stored"),
  compression: z
    .enum(["none", "gzip", "zstd"])
    .prefault("zstd")
    .describe("What the agents do to the bytes"),
  recipients: recipients.prefault([]).describe("Public keys (age1…) of those who can decrypt"),
  throttle: throttleField
    .prefault("off")
    .describe("Limit for the whole run, or limits for run, host and stream"),
  windows: windowsField.prefault([]).describe("The run's limit by the time of day, first match"),
  limits: limits.prefault({}).describe("How many tools run at a time"),
  grace: durationField(0)
    .prefault("10s")
    .describe("How long pipes may stay open, or unopened, after their tools have ended"),
  stall_timeout: stallField.describe("How long a run may stand still until it fails"),
  lease: durationField(1000)
    .prefault("30s")
    .describe("How long a run outlives a lost connection to an agent"),
  segmentSize: sizeField(64 * 1024)
    .prefault("8GiB")
    .describe("A longer stream is stored in several objects"),
});
