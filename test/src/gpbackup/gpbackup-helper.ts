import { readFile, rm, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { backUpFromPipes } from "./helper-backup.ts";
import type { HelperOptions } from "./helper-options.ts";
import { HelperPipes } from "./helper-pipes.ts";
import { restoreToPipes } from "./helper-restore.ts";
import { hostOf, readState } from "./state.ts";

/** gpbackup_helper: one for each segment and run, in single-file mode. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      "backup-agent": { type: "boolean", default: false },
      "restore-agent": { type: "boolean", default: false },
      "toc-file": { type: "string", default: "" },
      "oid-file": { type: "string", default: "" },
      "pipe-file": { type: "string", default: "" },
      "pipe-suffix": { type: "string", default: "" },
      "data-file": { type: "string", default: "" },
      content: { type: "string", default: "" },
      "plugin-config": { type: "string", default: "" },
      "copy-queue-size": { type: "string", default: "1" },
      "compression-type": { type: "string" },
      "compression-level": { type: "string" },
      "on-error-continue": { type: "boolean", default: false },
      "with-filters": { type: "boolean", default: false },
    },
  });
  const state = await readState();
  setTimeout(() => process.exit(124), state.limitMs).unref();
  const segment = state.segments[Number(values.content)];
  if (!segment) throw new Error(`no segment has content id ${values.content}`);
  const oids = (await readFile(values["oid-file"], "utf8")).trim().split("\n").map(Number);
  const pipes = new HelperPipes({
    prefix: values["pipe-file"],
    suffix: values["pipe-suffix"],
    oids,
    ahead: Number(values["copy-queue-size"]),
  });
  process.once("SIGTERM", () => void pipes.end().finally(() => process.exit(1)));
  const options: HelperOptions = {
    tocFile: values["toc-file"],
    dataFile: values["data-file"],
    pluginConfig: values["plugin-config"],
    compressed: values["compression-type"] !== undefined,
    onErrorContinue: values["on-error-continue"],
    isFiltered: values["with-filters"],
    oids,
    tmpDir: hostOf(state, segment).tmpDir,
  };
  try {
    await (values["backup-agent"] ? backUpFromPipes : restoreToPipes)(options, pipes);
    await rm(values["oid-file"]);
    await rm(values["pipe-file"].replace("_pipe_", "_script_"));
    process.exit(0); // what the plugin of a restore still does is of no interest
  } catch (error) {
    await pipes.end();
    await writeFile(`${values["pipe-file"]}_error`, "");
    console.error(`${error instanceof Error ? error.message : error}`);
    console.error(`failed at table ${pipes.index}`);
    process.exit(1);
  }
}

await main();
