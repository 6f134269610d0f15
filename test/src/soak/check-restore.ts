import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Attempt } from "./attempt.ts";
import { outFolder } from "./configuration.ts";
import type { Ground } from "./ground.ts";

/**
 * What is wrong with what the consumers of a restore have got: after success it is all there; in any
 * case, whoever has seen the end of a stream has seen all of it, and nothing else.
 */
export async function checkRestore(ground: Ground, attempt: Attempt): Promise<string[]> {
  const { run, restored, outcome } = attempt;
  if (restored === undefined) return [];
  const problems: string[] = [];
  for (const { name, contents } of restored.streams) {
    for (const [host, content] of Object.entries(contents)) {
      const folder = outFolder(ground, run, host);
      const sawEnd = (await readdir(folder)).includes(`${name}.end`);
      const what = `restore of set ${restored.set}: stream ${name} on ${host}`;
      if (!sawEnd && outcome.status === 0) problems.push(`${what} has not come to its end`);
      if (!sawEnd) continue;
      if ((await digestOf(join(folder, name))) === ground.pool.digestOf(content)) continue;
      problems.push(`${what} has ended, and its consumer did not get the bytes of the set`);
    }
  }
  return problems;
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
