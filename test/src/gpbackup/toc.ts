import { readFile, writeFile } from "node:fs/promises";
import { parse, stringify } from "yaml";

/** A statement of `metadata.sql` or `statistics.sql`, by its bytes. */
export interface TocEntry {
  readonly schema: string;
  readonly name: string;
  readonly objecttype: string;
  readonly referenceobject: string;
  readonly startbyte: number;
  readonly endbyte: number;
  readonly tier: readonly number[];
}

/** A table whose rows are in the backup. */
export interface DataEntry {
  readonly schema: string;
  readonly name: string;
  readonly oid: number;
  readonly attributestring: string;
  readonly rowscopied: number;
  readonly partitionroot: string;
  readonly isreplicated: boolean;
  readonly distbyenum: boolean;
}

/** The coordinator's `toc.yaml`. */
export interface Toc {
  readonly globalentries: readonly TocEntry[];
  readonly predataentries: readonly TocEntry[];
  readonly postdataentries: readonly TocEntry[];
  readonly statisticsentries: readonly TocEntry[];
  readonly dataentries: readonly DataEntry[];
  readonly incrementalmetadata: { readonly ao: Readonly<Record<string, AppendOptimizedEntry>> };
}

/** What an append-optimized table was when it was backed up. */
export interface AppendOptimizedEntry {
  readonly modcount: number;
  readonly lastddltimestamp: string;
}

/** A segment's table of contents: where each table is in its uncompressed bytes, by oid. */
export interface SegmentToc {
  readonly dataentries: Readonly<
    Record<string, { readonly startbyte: number; readonly endbyte: number }>
  >;
}

/** Reads one of gpbackup's YAML files, which only its programs write. */
export async function readYaml<T>(path: string): Promise<T> {
  return parse(await readFile(path, "utf8")) as T;
}

/** Writes one of gpbackup's YAML files as it would look. */
export async function writeYaml(path: string, value: unknown): Promise<void> {
  await writeFile(path, stringify(value, { indentSeq: false, lineWidth: 0 }));
}
