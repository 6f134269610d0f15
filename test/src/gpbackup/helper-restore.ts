import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { setImmediate as untilEventsAreSeen } from "node:timers/promises";
import { createGunzip } from "node:zlib";
import { ByteReader } from "./byte-reader.ts";
import type { HelperOptions } from "./helper-options.ts";
import type { HelperPipes } from "./helper-pipes.ts";
import { readPluginConfig } from "./plugin-config.ts";
import { readYaml, type SegmentToc } from "./toc.ts";

interface Range {
  readonly startbyte: number;
  readonly endbyte: number;
}

/**
 * Hands the tables out of one `restore_data` to their COPYs. Nobody looks at the plugin's exit status; a
 * table that is cut short reaches its COPY as a plain end, and only the next one is an error.
 */
export async function restoreToPipes(options: HelperOptions, pipes: HelperPipes): Promise<void> {
  const { dataentries } = await readYaml<SegmentToc>(options.tocFile);
  const ranges = options.oids.map((oid) => dataentries[oid] ?? { startbyte: 0, endbyte: 0 });
  const { plugin, isSubset } = await startPlugin(options, ranges);
  const complaint = collect(plugin.stderr as Readable);
  // Piped at once, since Node throws away what nobody reads when the plugin has ended.
  const through = options.compressed ? createGunzip() : new PassThrough();
  const reader = new ByteReader((plugin.stdout as Readable).pipe(through));
  if (options.compressed) await assertQuiet(reader, complaint);
  let position = isSubset ? (ranges[0]?.startbyte ?? 0) : 0;
  for (const [index, { startbyte, endbyte }] of ranges.entries()) {
    pipes.index = index;
    if (!isSubset) await reader.skip(startbyte - position);
    if (reader.hasEnded && endbyte > startbyte) throw new Error("EOF");
    await writeTable(pipes, index, reader.take(endbyte - startbyte), options.onErrorContinue);
    position = endbyte;
  }
}

async function startPlugin(
  options: HelperOptions,
  ranges: readonly Range[],
): Promise<{ plugin: ChildProcess; isSubset: boolean }> {
  const { executable, canRestoreSubset } = await readPluginConfig(options.pluginConfig);
  const isSubset = canRestoreSubset && options.isFiltered && !options.compressed;
  const words = [options.pluginConfig, options.dataFile];
  if (isSubset) words.push(await writeOffsets(options.tmpDir, ranges));
  const command = `${executable} ${isSubset ? "restore_data_subset" : "restore_data"}`;
  const plugin = spawn("bash", ["-c", [command, ...words].join(" ")], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  return { plugin, isSubset };
}

/** Nobody ever removes it. */
async function writeOffsets(tmpDir: string, ranges: readonly Range[]): Promise<string> {
  const file = join(tmpDir, `gprestore_offsets_${randomUUID()}`);
  const numbers = ranges.flatMap(({ startbyte, endbyte }) => [startbyte, endbyte]);
  await writeFile(file, `${[ranges.length, ...numbers].join(" ")}\n`, { mode: 0o600 });
  return file;
}

/** Anything that the plugin has said by the time the first bytes are there counts as its failure. */
async function assertQuiet(
  reader: ByteReader,
  complaint: { readonly text: string },
): Promise<void> {
  await reader.peek();
  await untilEventsAreSeen();
  if (complaint.text === "") return;
  throw new Error(`Error encountered getting restore data reader: ${complaint.text}`);
}

async function writeTable(
  pipes: HelperPipes,
  index: number,
  bytes: AsyncGenerator<Buffer, void, undefined>,
  onErrorContinue: boolean,
): Promise<void> {
  try {
    await pipes.write(index, bytes);
  } catch (error) {
    if (!onErrorContinue) throw error;
  }
}

function collect(stream: Readable): { text: string } {
  const collected = { text: "" };
  stream.setEncoding("utf8");
  void (async () => {
    for await (const piece of stream) collected.text += piece;
  })();
  return collected;
}
