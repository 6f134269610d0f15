import { LOG_FIELD, LOG_FORMATTERS } from "@penstock/common";
import { pino } from "pino";
import type { CommandModule } from "yargs";
import { startAgent } from "./agent.ts";
import { loadAgentConfig } from "./config.ts";

interface RunArguments {
  readonly config: string;
}

/** `penstock-agent run --config FILE`: serves until SIGTERM or SIGINT, then aborts its runs. */
export const runCommand: CommandModule<object, RunArguments> = {
  command: "run",
  describe: "Serve until told to stop",
  builder: (yargs) =>
    yargs.option("config", {
      type: "string",
      requiresArg: true,
      default: "/etc/penstock/agent.yaml",
      describe: "The agent's configuration file",
    }),
  async handler({ config: file }) {
    const { value: config } = loadAgentConfig(file);
    const base = { [LOG_FIELD.host]: config.name };
    const log = pino({ level: config.logLevel, base, formatters: LOG_FORMATTERS });
    const stopped = stopSignal();
    await using _agent = await startAgent(config, log);
    log.info({ signal: await stopped }, "agent is stopping");
  },
};

/** The first signal that asks to stop; a second one ends the process at once. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, resolve);
  });
}
