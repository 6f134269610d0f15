import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type Outcome, run } from "../harness/child.ts";
import { guardChildren } from "../harness/guard-children.ts";
import { TempDir } from "../harness/temp-dir.ts";
import { findDumpTools, findServerBinaries } from "../postgres/binaries.ts";
import { PostgresServers } from "../postgres/servers.ts";
import { writeClients } from "./find-clients.ts";

guardChildren();
// They guard against what hangs alone: a slow machine is no failure.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const signal = AbortSignal.timeout(1_200_000);
const installed = await findDumpTools(await findServerBinaries(signal), signal);
let temp: TempDir;
let servers: PostgresServers;
let ours: string;

beforeAll(async () => {
  temp = await TempDir.create();
  servers = await PostgresServers.start({ names: ["a"], dir: join(temp.path, "pg") }, signal);
  ours = (await writeClients(join(temp.path, "clients"))).psql;
});

afterAll(async () => {
  await servers[Symbol.asyncDispose]();
  await temp[Symbol.asyncDispose]();
});

// What is said here is true of PostgreSQL's own as well, where it is installed.
describe.each(installed ? ["ours", "installed"] : ["ours"])("psql, %s", (which) => {
  let database: string;
  let databases = 0;

  beforeEach(async () => {
    databases += 1;
    database = `${which}_${databases}`;
    await servers.get("a").createDatabase(database);
    await servers.get("a").withClient(database, (c) => c.query("create table t (i int, v text)"));
  });

  async function psql(...args: string[]): Promise<Outcome> {
    return await shell('exec "$@"', ...args);
  }

  async function shell(command: string, ...args: string[]): Promise<Outcome> {
    const program = which === "ours" ? ours : (installed?.psql ?? "");
    const env = { ...process.env, ...servers.get("a").clientEnv, PGDATABASE: database };
    return await run("/bin/bash", ["-c", command, "sh", program, ...args], { env }, signal);
  }

  /** Has it read a script from a pipe. */
  async function read(script: string): Promise<Outcome> {
    const path = join(temp.path, `${database}.sql`);
    await writeFile(path, script);
    return await shell(`cat ${path} | "$@"`, "-X", "-q", "-a");
  }

  async function rows(): Promise<unknown[]> {
    const query = { text: "select i, v from t order by i", rowMode: "array" } as const;
    return (await servers.get("a").withClient(database, (client) => client.query(query))).rows;
  }

  test("a command's rows are printed as text, without headings", async () => {
    const sql = "select 1.50, null, true, 'a|b' union all select 2, 'x', false, ''";
    const outcome = await psql("-X", "-A", "-t", "-q", "-F", "|", "-d", database, "-c", sql);
    expect(outcome).toMatchObject({ status: 0, stdout: "1.50||t|a|b\n2|x|f|\n", stderr: "" });
    expect((await psql("-AtXF:", "-c", "select 1, 2")).stdout).toBe("1:2\n");
  });

  test("a command with an error ends with 1, a connection that fails with 2", async () => {
    const wrong = await psql("-AtXc", "select 1/0");
    expect(wrong).toMatchObject({ status: 1, stdout: "", stderr: "ERROR:  division by zero\n" });
    const nowhere = await psql("-d", "no_such_database", "-AtXc", "select 1");
    expect(nowhere.status).toBe(2);
    expect(nowhere.stderr).toContain('FATAL:  database "no_such_database" does not exist');
    const nobody = await psql("-h", "127.0.0.1", "-p", "1", "-AtXc", "select 1");
    expect(nobody.status).toBe(2);
  });

  test("PGHOSTADDR overrules the name of a host", async () => {
    const command = 'export PGHOSTADDR=127.0.0.1; exec "$@"';
    const outcome = await shell(command, "-h", "sdw1.invalid", "-AtXc", "select 1");
    expect(outcome).toMatchObject({ status: 0, stdout: "1\n" });
  });

  test("a script goes on after an error, says it, and ends with 0", async () => {
    const outcome = await read(
      "insert into t values (1);\nselect 1/0;\ninsert into t values (2);\n",
    );
    expect(outcome).toMatchObject({ status: 0, stderr: "ERROR:  division by zero\n" });
    expect(await rows()).toEqual([
      [1, null],
      [2, null],
    ]);
  });

  test("rows end with their mark, and the script goes on in the line after it", async () => {
    const script =
      "copy t (i, v) from stdin;\n1\t\\\\.\n2\ta;b'\n\\.\ninsert into t values (3, 'c');";
    expect(await read(script)).toMatchObject({ status: 0, stderr: "" });
    expect(await rows()).toEqual([
      [1, "\\."],
      [2, "a;b'"],
      [3, "c"],
    ]);
  });

  test("rows that are cut off are taken for all there are", async () => {
    expect(await read("copy t from stdin;\n1\ta\n2\tb\n")).toMatchObject({ status: 0, stderr: "" });
    expect(await rows()).toHaveLength(2);
    expect(await read("copy t from stdin;\n3\ta\n4\tb")).toMatchObject({ status: 0, stderr: "" });
    expect(await rows()).toHaveLength(4);
    expect(await read("copy t from stdin;\n")).toMatchObject({ status: 0, stderr: "" });
    expect(await rows()).toHaveLength(4);
  });

  test("rows with one that is refused are all passed over", async () => {
    const many = "2\tb\n".repeat(200_000);
    const outcome = await read(
      `copy t from stdin;\n1\ta\npoison\n${many}\\.\ninsert into t values (3);\n`,
    );
    expect(outcome.status).toBe(0);
    expect(outcome.stderr).toBe(
      'ERROR:  invalid input syntax for type integer: "poison"\nCONTEXT:  COPY t, line 2, column i: "poison"\n',
    );
    expect(await rows()).toEqual([[3, null]]);
  });

  test("rows of a refused COPY are taken for SQL up to a semicolon", async () => {
    const outcome = await read(
      "copy no_such from stdin;\n1\ta\\N\n\\.\ninsert into t values (1);\ninsert into t values (2);\n",
    );
    expect(outcome.status).toBe(0);
    expect(outcome.stderr).toContain('ERROR:  relation "no_such" does not exist');
    expect(outcome.stderr).toContain("invalid command \\N");
    expect(outcome.stderr).toContain("invalid command \\.");
    expect(outcome.stderr).toContain('ERROR:  syntax error at or near "1"');
    expect(await rows()).toEqual([[2, null]]);
  });

  test("many rows arrive as they are, over whatever pieces", async () => {
    const lines = Array.from({ length: 60_000 }, (_, i) => `${i}\t${"ü".repeat(i % 90)}\n`);
    const outcome = await read(`copy t from stdin;\n${lines.join("")}\\.\n`);
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
    expect(await rows()).toEqual(lines.map((_, i) => [i, "ü".repeat(i % 90)]));
  });

  test("a statement ends at a semicolon outside of quotes, comments and parentheses", async () => {
    const outcome = await read(`
      -- a comment; with a quote '
      insert into t /* ; */ values
        (1, 'a;''b'); insert into t values (2, $x$;'$x$);
      do $$ begin
        insert into t values (3, "substr"('$;', 1)); -- $;
      end $$; insert into t values (4, E'\\\\');
      create rule r as on delete to t do also (select 1; select 2);
      insert into t values (5,
    'two

lines')`);
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
    expect(await rows()).toEqual([
      [1, "a;'b"],
      [2, ";'"],
      [3, "$;"],
      [4, "\\"],
      [5, "two\n\nlines"],
    ]);
  });

  test("a file is a script as well, and one that is not there ends with 1", async () => {
    const path = join(temp.path, `${database}.sql`);
    await writeFile(path, "insert into t values (1);\n");
    expect(await psql("-X", "-q", "-f", path)).toMatchObject({ status: 0, stderr: "" });
    expect(await rows()).toHaveLength(1);
    expect((await psql("-X", "-q", "-f", join(temp.path, "no_such.sql"))).status).toBe(1);
  });

  test("a connection that is lost ends a script with 2", async () => {
    const outcome = await read(
      "select pg_terminate_backend(pg_backend_pid());\ninsert into t values (1);\n",
    );
    expect(outcome.status).toBe(2);
    expect(outcome.stderr).toContain("FATAL:  terminating connection due to administrator command");
    expect(await rows()).toEqual([]);
  });
});
