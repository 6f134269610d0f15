/** What the configuration says of an installation of Greenplum. */
export interface Installation {
  /** GPHOME. */
  readonly home?: string;
  readonly coordinatorDataDirectory?: string;
  readonly port?: number;
  /** Further variables; they win. */
  readonly env: Readonly<Record<string, string>>;
}

const SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin";

/** The variables of Greenplum's programs: of `home` what its `greenplum_path.sh` sets for them. */
export function environmentOf(installation: Installation): Record<string, string> {
  return join(installation, ({ home }) => ({
    GPHOME: home,
    PATH: `${home}/bin:${SYSTEM_PATH}`,
    LD_LIBRARY_PATH: `${home}/lib`,
  }));
}

/**
 * Of those that are written in Python: with the one that Greenplum 4.3 and 5.x bring along. An
 * installation that uses the system's Python takes `env: {PYTHONHOME: ""}`, which Python ignores.
 */
export function pythonEnvironmentOf(installation: Installation): Record<string, string> {
  return join(installation, ({ home }) => {
    const python = `${home}/ext/python`;
    return {
      GPHOME: home,
      PATH: `${home}/bin:${python}/bin:${SYSTEM_PATH}`,
      LD_LIBRARY_PATH: `${home}/lib:${python}/lib`,
      PYTHONPATH: `${home}/lib/python`,
      PYTHONHOME: python,
    };
  });
}

function join(
  { home, coordinatorDataDirectory, port, env }: Installation,
  installedAt: (at: { readonly home: string }) => Record<string, string>,
): Record<string, string> {
  return {
    ...(home === undefined ? {} : installedAt({ home })),
    ...(coordinatorDataDirectory === undefined ? {} : dataAt(coordinatorDataDirectory)),
    ...(port === undefined ? {} : { PGPORT: String(port) }),
    ...env,
  };
}

/** Its name is an older or a newer one. */
function dataAt(directory: string): Record<string, string> {
  return { MASTER_DATA_DIRECTORY: directory, COORDINATOR_DATA_DIRECTORY: directory };
}
