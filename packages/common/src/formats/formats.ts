import type { FormatCheck } from "./format-check.ts";
import { GpdumpFormat } from "./gpdump-format.ts";
import { GzipFormat } from "./gzip-format.ts";
import { TarFormat } from "./tar-format.ts";
import { ZstdFormat } from "./zstd-format.ts";

/** What the bytes of a stream can be checked to be. */
export type FormatName = "gzip" | "zstd" | "zstd or nothing" | "gpdump" | "gpdump.gz" | "tar";

const FORMATS: Readonly<Record<FormatName, () => FormatCheck>> = {
  gzip: () => new GzipFormat(),
  zstd: () => new ZstdFormat(),
  "zstd or nothing": () => new ZstdFormat({ mayBeEmpty: true }),
  gpdump: () => new GpdumpFormat(),
  "gpdump.gz": () => new GzipFormat(new GpdumpFormat()),
  tar: () => new TarFormat(),
};

/** The names there are, for a message. */
export const FORMAT_NAMES: readonly string[] = Object.keys(FORMATS);

/** True for the name of a format. */
export function isFormatName(name: string): name is FormatName {
  return Object.hasOwn(FORMATS, name);
}

/** A check of one stream that is to be of this format. */
export function openFormatCheck(name: FormatName): FormatCheck {
  return FORMATS[name]();
}
