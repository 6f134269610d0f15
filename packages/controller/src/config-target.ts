import { fileField } from "@penstock/common";
import { z } from "zod";
import type { TargetConfig } from "./targets/targets.ts";

/** A storage location. What its scheme needs beyond the URL, the target itself checks. */
export interface TargetSettings extends TargetConfig {
  readonly region?: string;
  /** Where the store answers, if not where its scheme says. */
  readonly endpoint?: string;
  /** Absolute path. */
  readonly credentialsFile?: string;
}

/** The schema of one target; `credentialsFile` is as written. */
export const targetSchema: z.ZodType<TargetSettings> = z.strictObject({
  url: urlField("file:///backups/penstock").describe("The scheme names the kind of storage"),
  region: z.string().min(1).exactOptional().describe("Region of the store"),
  endpoint: urlField("https://store.example.org").exactOptional().describe("URL of the store"),
  credentialsFile: fileField
    .exactOptional()
    .describe(
      "File with the store's credentials; relative paths are taken from this file's folder",
    ),
});

/** Never shown in a message: it may hold a password. */
function urlField(example: string): z.ZodType<string, string> {
  return z.string().superRefine((text, context) => {
    const url = URL.parse(text);
    const wrong =
      url === null ? "not a URL" : url.password !== "" ? "a password in the URL" : undefined;
    if (wrong === undefined) return;
    const message = `${wrong}; allowed: a URL without a password, such as ${example}`;
    context.addIssue({ code: "custom", message });
  });
}
