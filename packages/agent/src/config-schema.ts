import { z } from "zod";
import { agentConfigSchema } from "./config.ts";

/** JSON Schema (2020-12) of the agent's configuration file, for editors. */
export function agentJsonSchema(): object {
  return { title: "penstock-agent.yaml", ...z.toJSONSchema(agentConfigSchema, { io: "input" }) };
}
