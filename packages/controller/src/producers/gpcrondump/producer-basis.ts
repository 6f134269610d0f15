import type { Origin } from "../producer.ts";
import type { GpcrondumpConfig } from "./config.ts";

/** What every plan of one configuration is made from. */
export interface ProducerBasis {
  readonly config: GpcrondumpConfig;
  /** Where it stands. */
  readonly origin: Origin;
  /** Names of all agents that are configured. */
  readonly agents: readonly string[];
}
