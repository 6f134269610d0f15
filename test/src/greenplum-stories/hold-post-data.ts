import { chmod, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { GreenplumCluster } from "../greenplum/cluster.ts";

/** From here on what brings the post-data of dumps hangs, until this is disposed of. */
export async function holdPostData({ tools }: GreenplumCluster): Promise<AsyncDisposable> {
  const bin = dirname(tools.gpcrondump);
  const [cat, hold] = [join(bin, "cat"), join(bin, "hold")];
  const wait = `while [ -e '${hold}' ]; do sleep 0.1; done`;
  const script = `#!/bin/sh\ncase "$*" in *_post_data_temp*) ${wait} ;; esac\nexec /bin/cat "$@"\n`;
  await writeFile(hold, "");
  await writeFile(cat, script);
  await chmod(cat, 0o755);
  return {
    async [Symbol.asyncDispose]() {
      await rm(hold, { force: true });
    },
  };
}
