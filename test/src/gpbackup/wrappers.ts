import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { greenplumEnv } from "./environment.ts";
import { type ClusterState, hostOf, STATE_VARIABLE } from "./state.ts";

/** The programs of Greenplum that the cluster has. */
export type GreenplumProgram = "gpbackup" | "gprestore" | "gpbackup_helper";

const ENTRIES: Readonly<Record<GreenplumProgram, string>> = {
  gpbackup: "gpbackup.ts",
  gprestore: "gprestore.ts",
  gpbackup_helper: "gpbackup-helper.ts",
};

/** Where a program is: an executable file, so that an agent's allow-list can name it. */
export function programPath({ gpHome }: ClusterState, name: GreenplumProgram): string {
  return join(gpHome, "bin", name);
}

/** Writes the state, the programs and `greenplum_path.sh`; may be repeated when the state has changed. */
export async function writePrograms(state: ClusterState): Promise<void> {
  await mkdir(join(state.gpHome, "bin"), { recursive: true });
  await mkdir(join(state.gpHome, "lib"), { recursive: true });
  await mkdir(join(state.dir, "home"), { recursive: true });
  const stateFile = join(state.dir, "state.json");
  await writeFile(stateFile, JSON.stringify(state, null, 2));
  for (const name of Object.keys(ENTRIES) as GreenplumProgram[]) {
    // The helper's environment comes from its host; the others run where somebody starts them.
    const { env } = hostOf(state, state.coordinator);
    const exports = name === "gpbackup_helper" ? {} : env;
    const entry = [process.execPath, join(import.meta.dirname, ENTRIES[name])].map(quote).join(" ");
    const lines = ["#!/bin/sh", ...toExports({ ...exports, [STATE_VARIABLE]: stateFile })];
    const text = `${lines.join("\n")}\nexec ${entry} "$@"\n`;
    await writeFile(programPath(state, name), text, { mode: 0o755 });
  }
  const { GPHOME, LD_LIBRARY_PATH, PYTHONHOME, PYTHONPATH } = greenplumEnv(state);
  const path = toExports({ GPHOME, LD_LIBRARY_PATH, PYTHONHOME, PYTHONPATH });
  const lines = [...path, 'export PATH="$GPHOME/bin:$PATH"'];
  await writeFile(join(state.gpHome, "greenplum_path.sh"), `${lines.join("\n")}\n`);
}

function toExports(env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(env).map(([name, value = ""]) => `export ${name}=${quote(value)}`);
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
