import { join } from "node:path";
import { toTimestamp } from "./files.ts";
import { type ClusterState, hostOf, type Segment } from "./state.ts";

type Env = Readonly<Record<string, string>>;

/** What a command gets that is run on a host by ssh. */
export function loginEnv(state: ClusterState, host: string): Env {
  return { ...greenplumEnv(state), ...sshEnv(), LC_ALL: "C", ...hostOf(state, { host }).env };
}

/** What the database server of a segment gives the program of a COPY: no login's environment. */
export function databaseEnv(state: ClusterState, segment: Segment, database: string): Env {
  const now = toTimestamp(new Date());
  const { PWD: _home, ...startedFrom } = { ...greenplumEnv(state), ...sshEnv() };
  const locale = ["COLLATE", "CTYPE", "MESSAGES", "MONETARY", "NUMERIC", "TIME"];
  return {
    ...startedFrom,
    ...Object.fromEntries(locale.map((name) => [`LC_${name}`, "C"])),
    GPERA: "0000000000000000_000000000000",
    GPSESSID: "0000000000",
    GP_CID: "0",
    GP_DATABASE: database,
    GP_DATE: now.slice(0, 8),
    GP_HADOOP_CONN_JARDIR: "lib//hadoop",
    GP_HADOOP_CONN_VERSION: "",
    GP_MASTER_HOST: "127.0.0.1",
    GP_MASTER_PORT: `${state.coordinator.port}`,
    GP_SEGMENT_COUNT: `${state.segments.length}`,
    GP_SEGMENT_ID: `${segment.content}`,
    GP_SEG_DATADIR: segment.dataDir,
    GP_SEG_PG_CONF: join(segment.dataDir, "postgresql.conf"),
    GP_SEG_PORT: `${segment.port}`,
    GP_SESSION_ID: "1",
    GP_SN: "0",
    GP_TIME: now.slice(8),
    GP_USER: "gpadmin",
    GP_XID: `${process.pid}-0000000001`,
    PGDATA: segment.dataDir,
    PGSYSCONFDIR: join(state.gpHome, "etc/postgresql"),
    ...hostOf(state, segment).databaseEnv,
  };
}

/** What `greenplum_path.sh` and the administrator's profile set. */
export function greenplumEnv({ gpHome, dir, coordinator }: ClusterState): Env {
  return {
    GPHOME: gpHome,
    HOME: join(dir, "home"),
    LD_LIBRARY_PATH: `${join(gpHome, "lib")}:`,
    LOGNAME: "gpadmin",
    MASTER_DATA_DIRECTORY: coordinator.dataDir,
    PATH: `${join(gpHome, "bin")}:/usr/local/bin:/usr/bin:/bin`,
    PGDATABASE: "template1",
    PGPORT: `${coordinator.port}`,
    PWD: join(dir, "home"),
    PYTHONHOME: join(gpHome, "ext/python"),
    PYTHONPATH: join(gpHome, "lib/python"),
    USER: "gpadmin",
  };
}

function sshEnv(): Env {
  return {
    SHELL: "/bin/bash",
    SSH_CLIENT: "127.0.0.1 39028 22",
    SSH_CONNECTION: "127.0.0.1 39028 127.0.0.1 22",
  };
}
