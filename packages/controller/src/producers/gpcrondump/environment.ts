import type { GpcrondumpConfig } from "./config.ts";

const SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin";

/**
 * The variables of Greenplum's tools: of `home` what its greenplum_path.sh sets in 4.3 and 5.x. An
 * installation that uses the system's Python takes `env: {PYTHONHOME: ""}`, which Python ignores.
 */
export function environmentOf(config: GpcrondumpConfig): Record<string, string> {
  const { home, coordinatorDataDirectory, port, env } = config;
  return {
    ...(home === undefined ? {} : ofHome(home)),
    ...(coordinatorDataDirectory && { MASTER_DATA_DIRECTORY: coordinatorDataDirectory }),
    ...(port && { PGPORT: String(port) }),
    ...env,
  };
}

function ofHome(home: string): Record<string, string> {
  const python = `${home}/ext/python`;
  return {
    GPHOME: home,
    PATH: `${home}/bin:${python}/bin:${SYSTEM_PATH}`,
    LD_LIBRARY_PATH: `${home}/lib:${python}/lib`,
    PYTHONPATH: `${home}/lib/python`,
    PYTHONHOME: python,
  };
}
