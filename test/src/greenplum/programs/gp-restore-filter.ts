import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { runTool } from "../program.ts";
import { listedStatements } from "../restore-filter.ts";

/** Stands for the filter of a restore of some tables: reads all of a dump, passes their part of it on. */
async function main(args: readonly string[]): Promise<number> {
  const options = { t: { type: "string", short: "t" } } as const;
  const { values } = parseArgs({ args: [...args], options });
  const tables = (await readFile(String(values.t), "utf8")).split("\n");
  const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of listedStatements(lines, tables)) process.stdout.write(`${line}\n`);
  return 0;
}

await runTool((_, args) => main(args));
