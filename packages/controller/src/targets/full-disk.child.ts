import { randomBytes } from "node:crypto";
import { hasCode } from "@penstock/common";
import { openTarget } from "./targets.ts";

// Writes more than fits into the target of the given URL, in one piece, and prints what came of it.
const signal = new AbortController().signal;
await using target = await openTarget({ url: process.argv[2] ?? "" }, signal);
const writer = await target.create("big", "run", signal);
const chunk = randomBytes(20 * 1024 * 1024);
const outcome = await writer.write(chunk).then(() => "everything fits", failureMessage);
const commit = await writer.commit().catch(failureMessage);
await writer.abort();
const listed = await target.list("", signal);
const putAfter = await target.putIfAbsent("small", chunk.subarray(0, 1000), signal);
console.log(JSON.stringify({ outcome, commit, listed, putAfter }));

function failureMessage(error: unknown): string {
  return hasCode(error, "failed") ? error.message : `not failed: ${error}`;
}
