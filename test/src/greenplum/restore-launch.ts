import { access } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import type { BackendRequest } from "./backend-server.ts";
import type { Instance } from "./catalogue.ts";
import { dataName, instanceFileName, postDataName } from "./file-names.ts";
import { findData } from "./find-data.ts";
import type { GpRestoreOptions } from "./gp-restore-options.ts";
import { shellQuote } from "./shell-quote.ts";
import type { GreenplumState } from "./state.ts";

/** What of an instance a pass restores. */
export type Part = "schema" | "data" | "post-data";

/** Which file a backend is to read, and how. */
export interface RestoreLaunch {
  readonly path: string;
  readonly request: BackendRequest;
}

/** The call of an agent that has psql read a file or pipe. */
export async function toRestoreLaunch(
  state: GreenplumState,
  options: GpRestoreOptions,
  instance: Instance,
  part: Part,
): Promise<RestoreLaunch> {
  const { names, database, filter } = options;
  const folder = restoreLaunchFolder(options, instance);
  const path = await pathOf(options, folder, instance, part);
  const onlyListed = [state.bin, "gp_restore_filter"].join("/");
  const pipeline = [
    ` cat ${shellQuote(path)}`,
    ...(names.isCompressed ? ["/usr/bin/gunzip -c"] : []),
    ...(filter === undefined ? [] : [`${onlyListed} -t ${shellQuote(filter)}`]),
    `${state.postgres.psql} -X  -h ${instance.host} -p ${instance.port} -U gpadmin -d "${database}" -a`,
  ];
  const status = join(options.reportFolder, instanceFileName(names, "gp_restore_status", instance));
  const agent = [
    ...["gp_restore_agent", "--gp-k", `${names.key}_${instance.content === -1 ? 1 : 0}_`],
    ...[`--gp-d=${folder}`, `--status=${status}`],
    ...(part === "post-data" && options.parts.schema ? ["--append"] : []),
    `--command=set -o pipefail && ${pipeline.join("  | ")} `,
  ];
  const command = `exec ${agent.map(shellQuote).join(" ")}`;
  return { path, request: { shell: "/bin/sh", commands: [command], waits: true } };
}

/** The folder of an instance's files. */
function restoreLaunchFolder({ folder }: GpRestoreOptions, instance: Instance): string {
  return isAbsolute(folder) ? folder : join(instance.dataDirectory, folder);
}

async function pathOf(
  { names }: GpRestoreOptions,
  folder: string,
  instance: Instance,
  part: Part,
): Promise<string> {
  if (part === "post-data") return join(folder, postDataName(names, instance));
  if (part === "schema") return join(folder, dataName(names, instance));
  const found = await findData(folder, names, instance);
  await access(found ?? folder);
  return found ?? join(folder, dataName(names, instance));
}
