import { isAbsolute, join } from "node:path";
import type { BackendRequest } from "./backend-server.ts";
import type { Instance } from "./catalogue.ts";
import { dataName, instanceFileName, postDataName } from "./file-names.ts";
import type { GpDumpOptions } from "./gp-dump-options.ts";
import { shellQuote } from "./shell-quote.ts";
import { GPADMIN } from "./state.ts";

/** The folder of an instance's files. */
export function launchFolder({ folder }: GpDumpOptions, instance: Instance): string {
  return isAbsolute(folder) ? folder : join(instance.dataDirectory, folder);
}

/** How an agent is called in messages between processes. */
export function agentKey({ names }: GpDumpOptions, { content, dbid }: Instance): string {
  return `${names.key}_${content === -1 ? 1 : 0}_${dbid}_`;
}

/**
 * What a backend runs when gp_dump asks it for an instance's dump. A segment's answers when its agent
 * has been started; the coordinator's when all of its data and what comes after it has been taken.
 */
export function toLaunch(options: GpDumpOptions, instance: Instance): BackendRequest {
  const { names, database, filter } = options;
  const folder = launchFolder(options, instance);
  const isCoordinator = instance.content === -1;
  const agent = [
    ...["gp_dump_agent", "--gp-k", agentKey(options, instance), "--gp-d", folder],
    ...["-p", String(instance.port), "-U", GPADMIN, ...filter],
    ...(names.prefix === "" ? [] : [`--prefix=${names.prefix}`]),
    ...[`--content=${instance.content}`, database],
  ];
  const status = join(folder, instanceFileName(names, "gp_dump_status", instance));
  const zip = names.isCompressed ? " | gzip -1" : "";
  const into = (name: string): string => `${zip} > ${shellQuote(join(folder, name))}`;
  const dump = `${agent.map(shellQuote).join(" ")} 2> ${shellQuote(status)}`;
  const commands = [dump + into(dataName(names, instance))];
  if (isCoordinator) {
    const temporary = shellQuote(postDataTemporary(options, instance));
    commands.push(`cat ${temporary}${into(postDataName(names, instance))}`);
    commands.push(`rm -f ${temporary}`);
  }
  return { shell: "/bin/sh", commands, waits: isCoordinator };
}

/** Where the agent leaves what its backend later sends. */
function postDataTemporary(options: GpDumpOptions, coordinator: Instance): string {
  const name = postDataName({ ...options.names, isCompressed: false }, coordinator);
  return join(launchFolder(options, coordinator), `${name}_temp`);
}
