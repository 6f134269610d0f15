import { access } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { guardChildren } from "../harness/guard-children.ts";
import { TempDir } from "../harness/temp-dir.ts";
import { tableChecksums } from "./checksums.ts";
import { fillDatabase } from "./fill.ts";
import { PostgresServers } from "./servers.ts";

guardChildren();
const signal = AbortSignal.timeout(600_000);
let temp: TempDir;
let servers: PostgresServers;

beforeAll(async () => {
  temp = await TempDir.create();
  servers = await PostgresServers.start({ names: ["a", "b"], dir: join(temp.path, "pg") }, signal);
  for (const server of servers.all) await server.createDatabase("app");
}, 300_000);

afterAll(async () => {
  await servers[Symbol.asyncDispose]();
  await temp[Symbol.asyncDispose]();
});

test("equal seeds make equal rows, another seed makes others", async () => {
  const checksumsOf = async (name: string, database: string, seed: number) =>
    await servers.get(name).withClient(database, async (client) => {
      await fillDatabase(client, { bytes: 500_000, seed });
      return await tableChecksums(client);
    });
  await servers.get("b").createDatabase("other");
  const first = await checksumsOf("a", "app", 1);
  expect(Object.keys(first)).toHaveLength(6);
  expect(first["public.empty_table"]?.rows).toBe(0);
  expect(await checksumsOf("b", "app", 1)).toEqual(first);
  const other = await checksumsOf("b", "other", 2);
  expect(other["public.orders"]?.rows).toBe(first["public.orders"]?.rows);
  expect(other["public.orders"]?.md5).not.toBe(first["public.orders"]?.md5);
});

test("one changed value, and one row doubled in place of another, change a checksum", async () => {
  await servers.get("a").createDatabase("changing");
  await servers.get("a").withClient("changing", async (client) => {
    await client.query("create table t (v text)");
    await client.query("insert into t values ('x'), ('y'), ('y')");
    const before = await tableChecksums(client);
    await client.query("update t set v = 'y' where v = 'x'");
    const without = await tableChecksums(client);
    await client.query("delete from t; insert into t values ('y'), ('x'), ('y')");
    expect(without).not.toEqual(before);
    expect(await tableChecksums(client)).toEqual(before);
  });
});

test("a stopped server has left nothing behind", async () => {
  await using own = await TempDir.create();
  const group = await PostgresServers.start({ names: ["c"], dir: own.path }, signal);
  const { socketDir } = group.get("c");
  await group.stop();
  await expect(access(socketDir)).rejects.toThrow("ENOENT");
  await expect(group.get("c").connect()).rejects.toThrow("ENOENT");
});
