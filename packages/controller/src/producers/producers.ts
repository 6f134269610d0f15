import type { ConfigPath, ErrorAt } from "@penstock/common";
import { z } from "zod";
import { createCommandProducer } from "./command.ts";
import { type CommandConfig, commandConfigSchema } from "./command-config.ts";
import { createGpbackupProducer } from "./gpbackup/gpbackup.ts";
import { type GpbackupConfig, gpbackupConfigSchema } from "./gpbackup/gpbackup-config.ts";
import { type GpcrondumpConfig, gpcrondumpConfigSchema } from "./gpcrondump/config.ts";
import { createGpcrondumpProducer, gpcrondumpAgents } from "./gpcrondump/gpcrondump.ts";
import type { Origin, Producer } from "./producer.ts";

/** The `producer` section of a plan; `type` tells the variants apart. */
export type ProducerConfig = CommandConfig | GpbackupConfig | GpcrondumpConfig;

/** An agent that a producer's configuration names, and where in it. */
export interface NamedAgent {
  readonly name: string;
  readonly path: ConfigPath;
}

/** One kind of producer. */
interface ProducerKind<Config> {
  readonly schema: z.core.$ZodTypeDiscriminable & z.ZodType<Config>;
  readonly create: (
    config: Config,
    origin: Origin,
    errorAt: ErrorAt,
    all: readonly string[],
  ) => Producer;
  /** The agents that a plan needs; `all` are those of the configuration. */
  readonly agents: (config: Config, all: readonly string[]) => NamedAgent[];
}

/** Every kind of producer there is. To add one, write its files and add a row. */
const PRODUCERS: {
  readonly [Type in ProducerConfig["type"]]: ProducerKind<Extract<ProducerConfig, { type: Type }>>;
} = {
  command: {
    schema: commandConfigSchema,
    create: createCommandProducer,
    agents: ({ hosts }) => hosts.map(({ name }, index) => ({ name, path: ["hosts", index] })),
  },
  gpbackup: {
    schema: gpbackupConfigSchema,
    create: createGpbackupProducer,
    agents: ({ coordinator, hosts }, all) =>
      withCoordinator(
        coordinator,
        hosts?.map((name, index) => ({ name, path: ["hosts", index] })),
        all,
      ),
  },
  gpcrondump: {
    schema: gpcrondumpConfigSchema,
    create: (config, origin, _errorAt, all) => createGpcrondumpProducer(config, origin, all),
    agents: gpcrondumpAgents,
  },
};

/** The coordinator's agent, and the given ones or all others. */
function withCoordinator(
  coordinator: string,
  hosts: readonly NamedAgent[] | undefined,
  all: readonly string[],
): NamedAgent[] {
  const others = hosts ?? all.map((name) => ({ name, path: [] }));
  const first = { name: coordinator, path: ["coordinator"] };
  return [first, ...others.filter(({ name }) => name !== coordinator)];
}

/** The schema of a `producer` section: each type's own. */
export const producerSchema: z.ZodType<ProducerConfig> = z.discriminatedUnion("type", [
  PRODUCERS.command.schema,
  PRODUCERS.gpbackup.schema,
  PRODUCERS.gpcrondump.schema,
]);

/**
 * The planner for a `producer` section that stands at `origin`; `errorAt` makes errors for its file,
 * `all` are the agents of the configuration.
 */
export function createProducer(
  config: ProducerConfig,
  origin: Origin,
  errorAt: ErrorAt,
  all: readonly string[],
): Producer {
  return kindOf(config).create(config, origin, errorAt, all);
}

/** The agents that a plan with this `producer` section needs; `all` are those of the configuration. */
export function agentsOf(config: ProducerConfig, all: readonly string[]): NamedAgent[] {
  return kindOf(config).agents(config, all);
}

/** The row of its type: that both belong together is more than the compiler can see. */
function kindOf<Config extends ProducerConfig>(config: Config): ProducerKind<Config> {
  return PRODUCERS[config.type] as unknown as ProducerKind<Config>;
}
