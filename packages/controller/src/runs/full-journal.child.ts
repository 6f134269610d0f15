import { readdir } from "node:fs/promises";
import { toError } from "@penstock/common";
import { openFilesBelow } from "../targets/test-support.ts";
import { Journal } from "./journal.ts";
import { journalHead } from "./journal-samples.ts";

// Begins a journal that does not fit into the folder of the given path, and prints what came of it.
const path = process.argv[2] ?? "";
const run = "20261120104512";
const head = { ...journalHead(run), token: "A".repeat(20 * 1024 * 1024) };
const created = Journal.create({ cluster: "warehouse", run, path }, head, () => {});
const outcome = await created.then(
  () => "everything fits",
  (thrown: unknown) => toError(thrown).message,
);
const left = await readdir(path);
console.log(JSON.stringify({ outcome, left, open: await openFilesBelow(path) }));
