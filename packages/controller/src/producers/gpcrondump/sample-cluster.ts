import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Manifest, parseYaml, type Receipt } from "@penstock/common";
import {
  type Evidence,
  type FileLists,
  fileKey,
  type HostFile,
  type Producer,
} from "../producer.ts";
import { type GpcrondumpConfig, gpcrondumpConfigSchema } from "./config.ts";
import { createGpcrondumpProducer } from "./gpcrondump.ts";

/**
 * For tests: what a real Greenplum 5 has written, one coordinator (mdw) and three segments: contents 0
 * and 1 on sdw1, 2 on sdw2.
 */
const SAMPLES = join(import.meta.dirname, "samples");

/** Where its plan stands. */
export const ORIGIN: readonly string[] = ["plans", "nightly", "producer"];

/** Agents of its configuration. */
export const AGENTS: readonly string[] = ["mdw", "sdw1", "sdw2"];

/** The folder of its dumps. */
export const FOLDER = "/gp/backups/db_dumps/20261120";

/** A moment at which it was asked who serves. */
export const ASKED_AT_MS = 1_795_168_090_000;

/** Who serves, as the catalogue says it. */
export const CATALOGUE: string = [
  `-1|1|${ASKED_AT_MS}|mdw|/gp/data/master/gpseg-1`,
  `0|2|${ASKED_AT_MS}|sdw1|/gp/data/p/gpseg0`,
  `1|3|${ASKED_AT_MS}|sdw1|/gp/data/p/gpseg1`,
  `2|4|${ASKED_AT_MS}|sdw2|/gp/data/p/gpseg2`,
  "",
].join("\n");

const BASE = `type: gpcrondump
coordinator: mdw
database: testdb
`;

/** The plan's configuration; `more` are further keys. */
export function configOf(more = "directory: /gp/backups\n"): GpcrondumpConfig {
  return parseYaml(`${BASE}${more}`, "p.yaml", gpcrondumpConfigSchema).value;
}

/** The producer of that configuration. */
export function producerOf(more?: string, agents: readonly string[] = AGENTS): Producer {
  return createGpcrondumpProducer(configOf(more), ORIGIN, agents);
}

/** The text of a sample. */
export function sample(path: string): string {
  return readFileSync(join(SAMPLES, path), "utf8");
}

/** Both lists of a sample. */
export function sampleLists(name: string): FileLists {
  const names = readdirSync(join(SAMPLES, "lists", name));
  const textOf = (end: string): string => {
    const file = names.find((other) => other.endsWith(end));
    return sample(join("lists", name, file ?? end));
  };
  return { pipes: textOf("_pipes"), regularFiles: textOf("_regular_files") };
}

/** Answers to the inquiry of a backup; the lists are where the first two files of `files` are. */
export function answersOf(
  { pipes, regularFiles }: FileLists,
  files: readonly HostFile[],
  catalogue: string = CATALOGUE,
): Evidence {
  const texts = [pipes, regularFiles];
  return {
    output: { catalogue, listing: sample("lists/transcript.txt") },
    files: Object.fromEntries(
      files.map((file, index) => [fileKey(file), { text: texts[index] ?? "", modifiedMs: 0 }]),
    ),
  };
}

/** The lists, as if 4.3 had written them. */
export function inOldNames({ pipes, regularFiles }: FileLists): FileLists {
  const renamed = (text: string): string =>
    text
      .replaceAll(/_-1_1_(\d{14})/g, "_1_1_$1")
      .replaceAll(/(gp_dump|gp_segment_config_files)_\d_(\d)_(\d{14})/g, "$1_0_$2_$3")
      .replaceAll("gp_dump_0_1_", "gp_dump_1_1_");
  return { pipes: renamed(pipes), regularFiles: renamed(regularFiles) };
}

/** A committed set with the streams of these lists. */
export function manifestOf(set: string, { pipes, regularFiles }: FileLists): Manifest {
  const fifos = linesOf(pipes).map(({ host, path, name }) => receiptOf(name, host, "fifo", path));
  const files = linesOf(regularFiles).map(({ host, path, name }) =>
    receiptOf(`${host}.${name}`, host, "file", path),
  );
  return {
    formatVersion: 1,
    set,
    cluster: "warehouse",
    plan: "nightly",
    producer: "gpcrondump",
    status: "committed",
    startedAt: "2026-11-20T10:40:00Z",
    endedAt: "2026-11-20T10:41:00Z",
    streams: [...fifos, ...files],
  };
}

function linesOf(text: string): { host: string; path: string; name: string }[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [host = "", path = ""] = line.split(":");
      return { host, path, name: path.slice(path.lastIndexOf("/") + 1) };
    });
}

/** The proof of one stream of a set. */
export function receiptOf(
  name: string,
  host: string,
  kind: Receipt["kind"],
  path: string,
): Receipt {
  const digest = "0".repeat(64);
  return {
    name,
    host,
    kind,
    path,
    codec: "none",
    encrypted: false,
    bytesRaw: 0,
    bytesStored: 0,
    sha256Raw: digest,
    sha256Stored: digest,
    objects: [],
    tool: kind === "file" ? null : { name: "gpcrondump", exitCode: 0 },
    reconnects: 0,
  };
}
