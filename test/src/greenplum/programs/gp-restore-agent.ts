import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, writeFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { AgentStatus } from "../agent-status.ts";
import { runTool } from "../program.ts";

/**
 * Stands for gp_restore_agent: has a shell feed psql, and looks for errors in what psql says. The
 * status file keeps the text of the last restore until this one has ended.
 */
async function main(args: readonly string[]): Promise<number> {
  const string = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ "gp-k": string, "gp-d": string, status: string, command: string },
      append: { type: "boolean" },
    },
  });
  const { command = "", status: path = "", append = false } = values;
  const status = new AgentStatus("gp_restore_agent");
  const lines = ["Before fork of gp_restore_agent", `Command Line: ${command}`].map((line) =>
    status.line("INFO", line),
  );
  lines.push(status.line("INFO", "Starting monitor thread"));
  const shell = spawn("/bin/bash", ["-c", command], { stdio: ["ignore", "ignore", "pipe"] });
  const [said] = await Promise.all([text(shell.stderr), once(shell, "exit")]);
  const errors = said.split("\n").filter((line) => /ERROR:|FATAL:/.test(line));
  const code = shell.exitCode ?? 128;
  lines.push(...errors.map((line) => status.line("ERROR", line)));
  if (code === 0) lines.push(status.line("INFO", "psql finished with rc 0."));
  else lines.push(status.line("ERROR", `psql finished abnormally with return code ${code}.`));
  if (code === 0) {
    lines.push(status.line("INFO", errors.length === 0 ? "Succeeded" : "Finished with errors"));
    if (errors.length === 0) lines.push(status.line("INFO", "Finished successfully"));
  }
  await (append ? appendFile : writeFile)(path, lines.join(""));
  if (code !== 0) return 1;
  return errors.length === 0 ? 0 : 2;
}

await runTool((_, args) => main(args));
