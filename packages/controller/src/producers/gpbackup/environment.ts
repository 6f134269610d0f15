import type { GpbackupConfig } from "./gpbackup-config.ts";

/** The environment of gpbackup and gprestore on top of the agent's own. */
export function environmentOf({
  home,
  coordinatorDataDirectory,
  port,
  env,
}: GpbackupConfig): Record<string, string> {
  return {
    ...(home === undefined ? {} : installedAt(home)),
    ...(coordinatorDataDirectory === undefined ? {} : dataAt(coordinatorDataDirectory)),
    ...(port === undefined ? {} : { PGPORT: String(port) }),
    ...env,
  };
}

/** What `greenplum_path.sh` sets, as far as these tools need it. */
function installedAt(home: string): Record<string, string> {
  return {
    GPHOME: home,
    PATH: `${home}/bin:/usr/local/bin:/usr/bin:/bin`,
    LD_LIBRARY_PATH: `${home}/lib`,
  };
}

/** Its name is an older or a newer one. */
function dataAt(directory: string): Record<string, string> {
  return { MASTER_DATA_DIRECTORY: directory, COORDINATOR_DATA_DIRECTORY: directory };
}
