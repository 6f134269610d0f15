import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { PenstockError } from "@penstock/common";

/** The allow-list: name to absolute path. */
export type AllowedTools = Readonly<Record<string, string>>;

/** The program of an allowed tool. Throws `usage`, naming the entry and what is allowed. */
export function toolPath(allowed: AllowedTools, name: string, index = 0): string {
  const path = Object.hasOwn(allowed, name) ? allowed[name] : undefined;
  if (path !== undefined) return path;
  const names = Object.keys(allowed).sort().join(", ");
  throw new PenstockError("usage", `tool ${name} is not allowed on this agent`, {
    place: { list: "tools", index, field: "tool" },
    hint: names === "" ? "its tools: list is empty" : `its tools: list has: ${names}`,
  });
}

/** Throws for the first tool that is not allowed or is no program. */
export async function assertTools(allowed: AllowedTools, names: readonly string[]): Promise<void> {
  for (const [index, name] of names.entries()) {
    const path = toolPath(allowed, name, index);
    const failure = await access(path, constants.X_OK).catch((error: unknown) => error);
    if (failure === undefined) continue;
    throw new PenstockError("failed", `tool ${name}: ${path} is not an executable program`, {
      cause: failure,
      place: { list: "tools", index, field: "tool" },
    });
  }
}
