import { chmod, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { GreenplumCluster } from "../greenplum/cluster.ts";

/** More than psql and the pipes between take, less than a segment has. */
const FIRST_PIECE_BYTES = 300_000;

/**
 * From here on whoever restores from a pipe with this in its name takes a first piece of it, and then
 * stands still until this is disposed of.
 */
export async function holdReader(
  { tools }: GreenplumCluster,
  part: string,
): Promise<AsyncDisposable> {
  const bin = dirname(tools.gpcrondump);
  const [cat, hold] = [join(bin, "cat"), join(bin, "hold")];
  await writeFile(hold, "");
  const script = `#!/bin/sh
case "$*" in *${part}*)
  exec 3< "$1"
  head -c ${FIRST_PIECE_BYTES} <&3
  while [ -e '${hold}' ]; do sleep 0.1; done
  exec /bin/cat <&3 ;;
esac
exec /bin/cat "$@"
`;
  await writeFile(cat, script);
  await chmod(cat, 0o755);
  return {
    async [Symbol.asyncDispose]() {
      await rm(hold, { force: true });
      await rm(cat, { force: true });
    },
  };
}
