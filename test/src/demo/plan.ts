import { join } from "node:path";
import { SUPERUSER } from "../postgres/server.ts";
import type { PostgresServers } from "../postgres/servers.ts";
import { DATABASE, HOST_NAMES } from "./databases.ts";
import type { DumpCommands } from "./dump-commands.ts";

/** What the plan depends on. */
export interface PlanOptions {
  /** Holds a folder for each host. */
  readonly dir: string;
  readonly commands: DumpCommands;
  readonly original: PostgresServers;
  readonly empty: PostgresServers;
}

/**
 * The plan of the demo, as it stands in `penstock.yaml`: one pipe on each host, the dump tool
 * writes into it in a backup, and its mirror reads from it in a restore.
 */
export function toPlan({ dir, commands, original, empty }: PlanOptions): object {
  const pipe = join(dir, "hosts/{host}/backups/{set}/app.pipe");
  const login = { PGHOST: "127.0.0.1", PGUSER: SUPERUSER, PGDATABASE: DATABASE };
  return {
    producer: {
      type: "command",
      hosts: HOST_NAMES.map((name) => ({
        name,
        vars: { port: String(original.get(name).port), emptyPort: String(empty.get(name).port) },
      })),
      streams: [{ name: "app-{host}", kind: "fifo", path: pipe }],
      backup: { ...commands.backup(pipe), env: { ...login, PGPORT: "{port}" } },
      restore: { ...commands.restore(pipe), env: { ...login, PGPORT: "{emptyPort}" } },
    },
    targets: ["local"],
    compression: "zstd",
  };
}
