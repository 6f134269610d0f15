import { chmod, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { GreenplumCluster } from "../greenplum/cluster.ts";

/**
 * From here on a program that gpcrondump or a database server starts hangs if it was called with
 * something in which this stands, until this is disposed of.
 */
export async function holdProgram(
  { tools }: GreenplumCluster,
  program: "cat" | "tar",
  part: string,
): Promise<AsyncDisposable> {
  const bin = dirname(tools.gpcrondump);
  const [instead, hold] = [join(bin, program), join(bin, "hold")];
  const wait = `while [ -e '${hold}' ]; do sleep 0.1; done`;
  const script = `#!/bin/sh\ncase "$*" in *${part}*) ${wait} ;; esac\nexec /bin/${program} "$@"\n`;
  await writeFile(hold, "");
  await writeFile(instead, script);
  await chmod(instead, 0o755);
  return {
    async [Symbol.asyncDispose]() {
      await rm(hold, { force: true });
      await rm(instead, { force: true });
    },
  };
}
