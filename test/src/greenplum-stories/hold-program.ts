import type { GreenplumCluster } from "../greenplum/cluster.ts";
import { replaceProgram } from "./replace-program.ts";

/**
 * From here on a program that gpcrondump or a database server starts hangs if it was called with
 * something in which this stands, until this is disposed of.
 */
export async function holdProgram(
  cluster: GreenplumCluster,
  program: "cat" | "tar",
  part: string,
): Promise<AsyncDisposable> {
  return await replaceProgram(
    cluster,
    program,
    (wait) => `case "$*" in *${part}*) ${wait} ;; esac\nexec /bin/${program} "$@"\n`,
  );
}
