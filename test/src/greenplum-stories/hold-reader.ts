import type { GreenplumCluster } from "../greenplum/cluster.ts";
import { replaceProgram } from "./replace-program.ts";

/** More than psql and the pipes between take, less than a segment has. */
const FIRST_PIECE_BYTES = 300_000;

/**
 * From here on whoever restores from a pipe with this in its name takes a first piece of it, and then
 * stands still until this is disposed of.
 */
export async function holdReader(
  cluster: GreenplumCluster,
  part: string,
): Promise<AsyncDisposable> {
  return await replaceProgram(
    cluster,
    "cat",
    (wait) => `case "$*" in *${part}*)
  exec 3< "$1"
  head -c ${FIRST_PIECE_BYTES} <&3
  ${wait}
  exec /bin/cat <&3 ;;
esac
exec /bin/cat "$@"
`,
  );
}
