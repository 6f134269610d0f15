import { stderr } from "node:process";
import { afterAll, beforeAll, describe } from "vitest";
import { guardChildren } from "../harness/guard-children.ts";
import { findMissing } from "./find-missing.ts";
import { NetworkStage, type NetworkStageOptions } from "./network-stage.ts";

/**
 * Declares the stories of a file, on a network that is made before the first and removed after the last.
 * Where none can be made they are not run, and it is said why; in CI that is a failure.
 */
export async function describeOnNetwork(
  title: string,
  options: NetworkStageOptions,
  declare: (stage: NetworkStage) => void,
): Promise<void> {
  const missing = await findMissing(AbortSignal.timeout(120_000));
  const mustRun = process.env["CI"] === "true";
  if (missing !== undefined && !mustRun) stderr.write(`not run: ${title}: ${missing}\n`);
  describe.skipIf(missing !== undefined && !mustRun)(title, () => {
    guardChildren();
    const stage = new NetworkStage();
    beforeAll(() => {
      if (missing !== undefined) throw new Error(missing);
      return stage.open(options);
    }, 300_000);
    afterAll(() => stage.close(), 300_000);
    declare(stage);
  });
}
