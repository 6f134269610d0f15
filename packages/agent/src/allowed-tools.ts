import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
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
    if (await isProgram(path)) continue;
    throw new PenstockError("failed", `tool ${name}: ${path} is not an executable program`, {
      place: { list: "tools", index, field: "tool" },
      hint: "correct tools: in the agent's configuration, or install the tool on that host",
    });
  }
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile(); // folders have that permission too
  } catch {
    return false; // it is not there, or not for us
  }
}
