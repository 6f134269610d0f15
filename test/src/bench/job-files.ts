import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Child } from "../harness/child.ts";
import { runProgram } from "./children.ts";
import type { Job } from "./contender.ts";

/** Path of the script that feeds every contender; see its own comment. */
export const WRITER: string = fileURLToPath(new URL("write-streams.sh", import.meta.url));

/** Makes one FIFO per stream in the job's directory and returns their paths. */
export async function makeFifos(job: Job, signal: AbortSignal): Promise<string[]> {
  const fifos = Array.from({ length: job.streams }, (_, i) => join(job.directory, `fifo-${i}`));
  await runProgram("mkfifo", fifos, signal);
  return fifos;
}

/** Starts the tool that writes into the FIFOs. */
export function startWriter(
  job: Job,
  fifos: readonly string[],
  signal: AbortSignal,
): Promise<Child> {
  return Child.start(WRITER, writerArguments(job, fifos), {}, signal);
}

/** The writer's argument vector. */
export function writerArguments(job: Job, fifos: readonly string[]): string[] {
  return [startedMark(job), job.seed, String(job.copies), ...fifos];
}

/** The file that the writer creates when it starts. */
export function startedMark(job: Job): string {
  return join(job.directory, "started");
}

/** Throws unless every file holds the whole stream. */
export async function assertSizes(job: Job, files: readonly string[]): Promise<void> {
  if (files.length !== job.streams) throw new Error(`${files.length} files of ${job.streams}`);
  for (const file of files) {
    const { size } = await stat(file);
    if (size !== job.bytesPerStream) throw new Error(`${file}: ${size} of ${job.bytesPerStream} B`);
  }
}

/** Forces what was written below a directory to the disk. */
export async function syncFiles(directory: string): Promise<void> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((each) => each.isFile())) {
    await using file = await open(join(entry.parentPath, entry.name), "r");
    await file.sync();
  }
}
