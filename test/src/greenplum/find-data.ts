import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Instance } from "./catalogue.ts";
import { dataName, type SetNames } from "./file-names.ts";

/**
 * The path of a segment's data: named for the dbid that serves its content now, or for another one.
 * It may be a pipe. Undefined if there is none. Sets of 4.3 do not name the content, so theirs are
 * found by the dbid alone.
 */
export async function findData(
  folder: string,
  names: SetNames,
  instance: Instance,
): Promise<string | undefined> {
  const exact = dataName(names, instance);
  const there: string[] = await readdir(folder).catch(() => []);
  if (there.includes(exact)) return join(folder, exact);
  if (names.naming === "4.3") return undefined;
  const { prefix, key, isCompressed } = names;
  const head = `${prefix}gp_dump_${instance.content}_`;
  const tail = `_${key}${isCompressed ? ".gz" : ""}`;
  const other = there.find(
    (name) =>
      name.startsWith(head) &&
      name.endsWith(tail) &&
      /^\d+$/.test(name.slice(head.length, -tail.length)),
  );
  return other === undefined ? undefined : join(folder, other);
}
