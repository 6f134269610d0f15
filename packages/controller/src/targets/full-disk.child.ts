import { randomBytes } from "node:crypto";
import { hasCode } from "@penstock/common";
import { openTarget } from "./targets.ts";

// Fills the target of the given URL, and prints what came of it. Nothing may be visible.
const signal = new AbortController().signal;
await using target = await openTarget({ url: process.argv[2] ?? "" }, signal);
const writer = await target.create("big", "run", signal);
const chunk = randomBytes(3 * 1024 * 1024);
const outcome = await fill().catch(failureMessage);
const commit = await writer.commit().catch(failureMessage);
await writer.abort();
const listed = await target.list("", signal);
const putAfter = await target.putIfAbsent("small", chunk.subarray(0, 1000), signal);
console.log(JSON.stringify({ outcome, commit, listed, putAfter }));

async function fill(): Promise<string> {
  for (let i = 0; i < 10; i++) await writer.write(chunk);
  return "the disk took everything";
}

function failureMessage(error: unknown): string {
  return hasCode(error, "failed") ? error.message : `not failed: ${error}`;
}
