import { readFile } from "node:fs/promises";

/** An operating-system user. */
export interface ServerUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * The user that a PostgreSQL server must be started as: servers refuse to run as root, so root
 * starts them as `postgres`, else `nobody`. Undefined means: as ourselves.
 */
export async function serverUser(): Promise<ServerUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = (await readFile("/etc/passwd", "utf8")).split("\n").map(parseUser);
  const found = ["postgres", "nobody"]
    .map((name) => users.find((user) => user.name === name))
    .find((user) => user !== undefined);
  if (!found) throw new Error("no user to run PostgreSQL as: neither postgres nor nobody exists");
  return found;
}

function parseUser(line: string): ServerUser {
  const [name = "", , uid, gid] = line.split(":");
  return { name, uid: Number(uid), gid: Number(gid) };
}
