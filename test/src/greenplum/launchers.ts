import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type GreenplumState, STATE_VARIABLE } from "./state.ts";

/** The tools, and the file of each in `programs/`. */
const PROGRAMS = {
  gpcrondump: "gpcrondump.ts",
  gpdbrestore: "gpdbrestore.ts",
  gp_dump: "gp-dump.ts",
  gp_dump_agent: "gp-dump-agent.ts",
  gp_restore: "gp-restore.ts",
  gp_restore_agent: "gp-restore-agent.ts",
  gp_restore_filter: "gp-restore-filter.ts",
} as const;

/**
 * Fills the folder `state.bin` with an executable for each tool, and a `psql` that finds the
 * coordinator without options and takes every host name for this machine. A tool's command
 * line then contains its name and arguments one after the other, like the real one's.
 */
export async function writeLaunchers(state: GreenplumState, statePath: string): Promise<void> {
  await mkdir(state.bin, { recursive: true });
  await writeFile(join(state.bin, "package.json"), '{"type": "module"}\n');
  const names = Object.entries(PROGRAMS);
  await Promise.all(
    names.map(async ([name, file]) => {
      const program = join(import.meta.dirname, "programs", file);
      const lines = [
        `#!${process.execPath}`,
        `process.env[${JSON.stringify(STATE_VARIABLE)}] = ${JSON.stringify(statePath)};`,
        `await import(${JSON.stringify(program)});`,
      ];
      await writeExecutable(join(state.bin, name), lines);
    }),
  );
  await writeExecutable(join(state.bin, "psql"), [
    "#!/bin/sh",
    // Names like sdw1 are known to the catalogue alone.
    "export PGHOSTADDR=127.0.0.1",
    "unset PGOPTIONS # for Greenplum's own settings, like gp_session_role",
    `export PGPORT="\${PGPORT:-${state.coordinator.port}}" PGUSER="\${PGUSER:-gpadmin}"`,
    `exec '${state.postgres.psql}' "$@"`,
  ]);
}

async function writeExecutable(path: string, lines: readonly string[]): Promise<void> {
  await writeFile(path, `${lines.join("\n")}\n`);
  await chmod(path, 0o755);
}
