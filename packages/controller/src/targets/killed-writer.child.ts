import { openTarget } from "./targets.ts";

// Writes a part of an object to the target of the given URL, says so, and waits to be killed.
const signal = new AbortController().signal;
const target = await openTarget({ url: process.argv[2] ?? "" }, signal);
await target.putIfAbsent("put", Buffer.from("put"), signal);
for (const scope of ["run1", "run2"]) {
  const writer = await target.create("half", scope, signal);
  await writer.write(Buffer.from("half"));
  await writer.flush();
}
console.log("written");
process.stdin.resume();
