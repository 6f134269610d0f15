import { PenstockError } from "@penstock/common";
import { parse } from "yaml";
import { z } from "zod";

/** What gpbackup says of a backup in its `config.yaml`, as far as it matters here. */
export interface BackupConfig {
  readonly timestamp: string;
  /** `Success`, or anything else. */
  readonly status: string;
  /** Older versions do not say it. */
  readonly segmentcount?: number;
  readonly singledatafile: boolean;
  /** The backups that a restore needs, this one included. */
  readonly restoreplan: readonly { readonly timestamp: string }[];
}

const schema: z.ZodType<BackupConfig> = z.object({
  timestamp: z.coerce.string(),
  status: z.string().prefault(""),
  segmentcount: z.number().int().exactOptional(),
  singledatafile: z.boolean().prefault(false),
  restoreplan: z
    .array(z.object({ timestamp: z.coerce.string() }))
    .nullish()
    .transform((plan) => plan ?? []),
});

/** Reads a `config.yaml`. Throws `failed` if it is none. */
export function parseBackupConfig(text: string): BackupConfig {
  const parsed = schema.safeParse(yamlOf(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const what = issue === undefined ? "" : `: ${issue.path.join(".")}: ${issue.message}`;
  throw new PenstockError("failed", `gpbackup's config.yaml is not what gpbackup writes${what}`);
}

function yamlOf(text: string): unknown {
  try {
    return parse(text, { logLevel: "silent" });
  } catch (cause) {
    throw noYaml(cause);
  }
}

function noYaml(cause: unknown): PenstockError {
  return new PenstockError("failed", "gpbackup's config.yaml is no YAML", { cause });
}
