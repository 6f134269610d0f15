import type { GreenplumCluster } from "../greenplum/cluster.ts";
import { holdProgram } from "./hold-program.ts";

/** From here on what brings the post-data of dumps hangs, until this is disposed of. */
export async function holdPostData(greenplum: GreenplumCluster): Promise<AsyncDisposable> {
  return await holdProgram(greenplum, "cat", "_post_data_temp");
}
