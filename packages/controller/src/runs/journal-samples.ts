import type { Receipt } from "@penstock/common";
import type { JournalHead } from "./journal.ts";

/** For tests: the head of a journal; its set is the run's own name. */
export function journalHead(set: string): JournalHead {
  return {
    formatVersion: 1,
    set,
    plan: "nightly",
    producer: "command",
    token: Buffer.from("secret").toString("base64"),
    hosts: ["sdw1"],
    targets: ["one", "two"],
    planDigest: "0".repeat(64),
    startedAt: "2024-01-01T00:00:00.000Z",
    leaseMs: 30_000,
  };
}

/** For tests: the receipt of an empty stream. */
export function receiptOf(name: string): Receipt {
  const sha256 = "0".repeat(64);
  return {
    ...{ name, host: "sdw1", kind: "fifo", path: `/backups/${name}`, codec: "none" },
    ...{ bytesRaw: 0, bytesStored: 0, sha256Raw: sha256, sha256Stored: sha256 },
    ...{ encrypted: false, objects: [], tool: { name: "sh", exitCode: 0 }, reconnects: 0 },
  };
}
