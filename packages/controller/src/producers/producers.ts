import type { ConfigPath, ErrorAt } from "@penstock/common";
import { z } from "zod";
import { createCommandProducer } from "./command.ts";
import { type CommandConfig, commandConfigSchema } from "./command-config.ts";
import type { Origin, Producer } from "./producer.ts";

/** The `producer` section of a plan; `type` tells the variants apart. */
export type ProducerConfig = CommandConfig;

/** An agent that a producer's configuration names, and where in it. */
export interface NamedAgent {
  readonly name: string;
  readonly path: ConfigPath;
}

/** Every kind of producer there is. To add one, write its files and add a row. */
const PRODUCERS = {
  command: {
    schema: commandConfigSchema,
    create: createCommandProducer,
    agents: ({ hosts }: CommandConfig): NamedAgent[] =>
      hosts.map(({ name }, index) => ({ name, path: ["hosts", index] })),
  },
};

/** The schema of a `producer` section: each type's own. */
export const producerSchema: z.ZodType<ProducerConfig> = z.discriminatedUnion("type", [
  PRODUCERS.command.schema,
]);

/** The planner for a `producer` section that stands at `origin`; `errorAt` makes errors for its file. */
export function createProducer(config: ProducerConfig, origin: Origin, errorAt: ErrorAt): Producer {
  return PRODUCERS[config.type].create(config, origin, errorAt);
}

/** The agents that a plan with this `producer` section needs. */
export function agentsOf(config: ProducerConfig): NamedAgent[] {
  return PRODUCERS[config.type].agents(config);
}
