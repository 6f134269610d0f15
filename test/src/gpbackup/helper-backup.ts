import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { untilFed } from "./fed.ts";
import type { HelperOptions } from "./helper-options.ts";
import type { HelperPipes } from "./helper-pipes.ts";
import { readPluginConfig } from "./plugin-config.ts";
import { writeYaml } from "./toc.ts";

/**
 * Feeds all tables to one `backup_data`, compressed as one stream, and writes the segment's table of
 * contents when the plugin has ended well. If we are ended, the plugin sees a plain end of its input.
 */
export async function backUpFromPipes(options: HelperOptions, pipes: HelperPipes): Promise<void> {
  const { executable } = await readPluginConfig(options.pluginConfig);
  const command = `${executable} backup_data ${options.pluginConfig} ${options.dataFile}`;
  const plugin = spawn("bash", ["-c", command], { stdio: ["pipe", "ignore", "pipe"] });
  const exited = once(plugin, "exit");
  const complaint = text(plugin.stderr as Readable);
  const dataentries: Record<string, { startbyte: number; endbyte: number }> = {};
  const tables = readTables(options.oids, pipes, dataentries);
  const feeding = options.compressed
    ? pipeline(tables, createGzip({ level: 1 }), plugin.stdin)
    : pipeline(tables, plugin.stdin);
  await untilFed(feeding, plugin.stdin);
  const [status] = await exited;
  if (status !== 0) throw new Error(`${(await complaint).trimEnd()}\nplugin exit status ${status}`);
  await writeYaml(options.tocFile, { dataentries });
}

async function* readTables(
  oids: readonly number[],
  pipes: HelperPipes,
  entries: Record<string, { startbyte: number; endbyte: number }>,
): AsyncGenerator<Buffer, void, undefined> {
  let position = 0;
  for (const [index, oid] of oids.entries()) {
    const startbyte = position;
    for await (const chunk of pipes.read(index)) {
      position += chunk.length;
      yield chunk;
    }
    entries[oid] = { startbyte, endbyte: position };
  }
  pipes.index = oids.length; // all have been done, though the plugin may still fail
}
