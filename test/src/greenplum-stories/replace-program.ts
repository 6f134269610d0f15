import { chmod, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { GreenplumCluster } from "../greenplum/cluster.ts";

/** Shell commands that stand still until the replaced program is given back. */
type Script = (wait: string) => string;

/**
 * From here on a program that gpcrondump, gpdbrestore or a database server starts is this shell script,
 * until this is disposed of.
 */
export async function replaceProgram(
  { tools }: GreenplumCluster,
  program: "cat" | "tar",
  script: Script,
): Promise<AsyncDisposable> {
  const bin = dirname(tools.gpcrondump);
  const [instead, hold] = [join(bin, program), join(bin, "hold")];
  await writeFile(hold, "");
  await writeFile(instead, `#!/bin/sh\n${script(`while [ -e '${hold}' ]; do sleep 0.1; done`)}`);
  await chmod(instead, 0o755);
  return {
    async [Symbol.asyncDispose]() {
      await rm(hold, { force: true });
      await rm(instead, { force: true });
    },
  };
}
