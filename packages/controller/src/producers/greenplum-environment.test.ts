import { expect, test } from "vitest";
import { environmentOf, pythonEnvironmentOf } from "./greenplum-environment.ts";

const INSTALLATION = {
  home: "/usr/local/greenplum-db",
  coordinatorDataDirectory: "/data/master/gpseg-1",
  port: 5432,
  env: { PGUSER: "gpadmin" },
};

test("programs and libraries of the installation are found, and its coordinator", () => {
  expect(environmentOf(INSTALLATION)).toEqual({
    GPHOME: "/usr/local/greenplum-db",
    PATH: "/usr/local/greenplum-db/bin:/usr/local/bin:/usr/bin:/bin",
    LD_LIBRARY_PATH: "/usr/local/greenplum-db/lib",
    MASTER_DATA_DIRECTORY: "/data/master/gpseg-1",
    COORDINATOR_DATA_DIRECTORY: "/data/master/gpseg-1",
    PGPORT: "5432",
    PGUSER: "gpadmin",
  });
});

test("tools in Python get the Python of the installation beside it", () => {
  expect(pythonEnvironmentOf(INSTALLATION)).toEqual({
    ...environmentOf(INSTALLATION),
    PATH: "/usr/local/greenplum-db/bin:/usr/local/greenplum-db/ext/python/bin:/usr/local/bin:/usr/bin:/bin",
    LD_LIBRARY_PATH: "/usr/local/greenplum-db/lib:/usr/local/greenplum-db/ext/python/lib",
    PYTHONPATH: "/usr/local/greenplum-db/lib/python",
    PYTHONHOME: "/usr/local/greenplum-db/ext/python",
  });
});

test("what the configuration does not say is not set, and its own variables win", () => {
  for (const of of [environmentOf, pythonEnvironmentOf]) {
    expect(of({ env: {} })).toEqual({});
    expect(of({ ...INSTALLATION, env: { PATH: "/mine" } })).toMatchObject({ PATH: "/mine" });
  }
});
