import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { GreenplumCluster } from "./cluster.ts";

/** A file that a real Greenplum 5 has written, on hosts mdw, sdw1 and sdw2. */
export async function readSample(path: string): Promise<string> {
  return await readFile(join(import.meta.dirname, "samples", path), "utf8");
}

/** Where the sample cluster had its data, by content. */
const SAMPLE_DATA: Readonly<Record<number, string>> = {
  [-1]: "/gp/data/master/gpseg-1",
  0: "/gp/data/p/gpseg0",
  1: "/gp/data/p/gpseg1",
  2: "/gp/data/p/gpseg2",
};
const SAMPLE_PORTS: Readonly<Record<number, number>> = {
  [-1]: 15432,
  0: 16000,
  1: 16001,
  2: 16002,
};

/** A text of this cluster with the sample cluster's places, and without what differs from run to run. */
export function asInSamples(text: string, cluster: GreenplumCluster): string {
  let changed = text.replaceAll(cluster.dumpDirectory, "/gp/backups");
  for (const { content, dataDirectory, port } of cluster.instances) {
    changed = changed
      .replaceAll(dataDirectory, SAMPLE_DATA[content] ?? "")
      .replaceAll(String(port), String(SAMPLE_PORTS[content]));
  }
  return withoutChance(changed);
}

/** A text without times, process numbers, the end of a recorded run, and names made up on the way. */
export function withoutChance(text: string): string {
  return text
    .replace(/\d{8}:\d\d:\d\d:\d\d:\d{6} /g, "TIME ")
    .replace(/\d{8}:\d\d:\d\d:\d\d\|/g, "TIME|")
    .replace(/(Dump end time +=) \d\d:\d\d:\d\d/g, "$1 TIME")
    .replace(/\(pid \d+\)/g, "(pid N)")
    .replace(/\/\S+\/mail_contacts/g, "/mail_contacts")
    .replace(/\/\S*\/psql (-X )?/g, "psql ")
    .replace(/--gp-f=\S+/g, "--gp-f=LIST")
    .replace(/^(LIST )?rc=\d+\n/m, "");
}
