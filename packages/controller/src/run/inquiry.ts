import { hasCode } from "@penstock/common";
import {
  type Evidence,
  type FoundText,
  fileKey,
  type HostFile,
  type Inquiry,
} from "../producers/producer.ts";
import { planFiles } from "./collect.ts";
import type { RunContext } from "./context.ts";
import { checkAll } from "./prepare.ts";
import type { Session } from "./session.ts";
import { together } from "./together.ts";
import { runTool } from "./tool-run.ts";
import { watchStalls } from "./watch-stalls.ts";

/**
 * Asks the hosts what a producer wants to know before it plans. Nothing is made but by the tools
 * themselves. Throws `failed` for a tool that does not end well, or hangs; `usage`, with the place,
 * for a tool or a folder that its agent does not allow: then no tool was started.
 */
export async function ask(
  context: RunContext,
  session: Session,
  { tools, files }: Inquiry,
): Promise<Evidence> {
  await checkAll(session, { streams: [], tools }, context.explain);
  await assertReadable(context, session, { tools, files });
  using stalls = watchStalls(context, session, "backup");
  const output: Record<string, string> = {};
  for (const tool of tools) {
    using _watched = stalls.running(tool.tool, tool.host, []);
    output[tool.id] = (await runTool(session, tool, [], { ...context, stalls })).stdoutTail;
  }
  return { output, files: await readTexts(session, files) };
}

/** The files may not be there yet, but their agents must allow their folders. */
async function assertReadable(
  { explain }: RunContext,
  session: Session,
  { tools, files }: Inquiry,
): Promise<void> {
  const [origin = []] = tools.map((tool) => tool.origin);
  const globs = files.map(({ host, path }) => ({ host, glob: path, origin }));
  await planFiles(session, globs, explain);
}

/** Small text files as they are now, by `fileKey`; what is not there is left out. */
export async function readTexts(
  session: Session,
  files: readonly HostFile[],
): Promise<Evidence["files"]> {
  const found = await together(files, async (file) => {
    const text = await readText(session, file);
    return text === undefined ? [] : [[fileKey(file), text] as const];
  });
  return Object.fromEntries(found.flat());
}

async function readText(
  session: Session,
  { host, path }: HostFile,
): Promise<FoundText | undefined> {
  try {
    const { ref, signal } = session;
    const read = await session
      .held(host)
      .call((agent) => agent.readFile(ref, path, signal), signal);
    return { text: Buffer.from(read.data).toString("utf8"), modifiedMs: Number(read.modifiedMs) };
  } catch (error) {
    if (hasCode(error, "not_found")) return undefined;
    throw error;
  }
}
