import { createReadStream } from "node:fs";
import { parseArgs } from "node:util";
import type pg from "pg";
import { CONNECTION_OPTIONS, connect } from "./connection.ts";
import { messageText } from "./message-text.ts";
import { runScript } from "./script.ts";
import { ScriptInput } from "./script-input.ts";

/**
 * Stands for `psql` where PostgreSQL's clients are not installed. It knows two uses:
 *
 *   psql -A -t [-F separator] -c SQL    prints rows as text, without headings; NULL is empty
 *   psql [-f file]                      runs a script, its own input by default; shows errors alone
 *
 * -X, -q and -a change nothing. The connection is named by -h, -p, -U, -d, a first argument, and the
 * environment. Exit statuses are psql's: 0 also for a script with errors, 1 for a command with one and
 * for a script that cannot be read, 2 without a connection or once it is lost.
 */
async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parsePsqlArgs(args);
  const connection = { dbname: positionals[0], ...values };
  const client = await connect(connection, say).catch((error: Error) => {
    fail(`connection to server failed: ${messageText(error)}`);
  });
  if (!client) return 2;
  try {
    const { command, file, "field-separator": separator = "|" } = values;
    if (command !== undefined) return await runCommand(client, command, separator);
    const source = file === undefined ? process.stdin : createReadStream(file);
    return await runScript(client, new ScriptInput(source), say);
  } finally {
    await client.end();
  }
}

function parsePsqlArgs(args: readonly string[]): ReturnType<typeof parse> {
  const parsed = parse(args);
  const { command, "no-align": isUnaligned, "tuples-only": isBare } = parsed.values;
  if (command !== undefined && !(isUnaligned && isBare)) throw new Error("-c needs -A and -t here");
  return parsed;
}

function parse(args: readonly string[]) {
  const flag = { type: "boolean" } as const;
  const text = { type: "string" } as const;
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...CONNECTION_OPTIONS,
      "no-align": { ...flag, short: "A" },
      "tuples-only": { ...flag, short: "t" },
      "no-psqlrc": { ...flag, short: "X" },
      quiet: { ...flag, short: "q" },
      "echo-all": { ...flag, short: "a" },
      "field-separator": { ...text, short: "F" },
      command: { ...text, short: "c" },
      file: { ...text, short: "f" },
    },
  });
}

async function runCommand(client: pg.Client, text: string, separator: string): Promise<number> {
  const types = { getTypeParser: () => String }; // as the server has written them
  try {
    const { rows } = await client.query<(string | null)[]>({ text, rowMode: "array", types });
    for (const row of rows) process.stdout.write(`${row.map((v) => v ?? "").join(separator)}\n`);
    return 0;
  } catch (error) {
    say(error as Error);
    return 1;
  }
}

function say(error: Error): void {
  process.stderr.write(`${messageText(error)}\n`);
}

function fail(text: string): void {
  process.stderr.write(`psql: error: ${text}\n`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  fail((error as Error).message);
  process.exitCode = 1;
}
