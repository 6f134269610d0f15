import { z } from "zod";
import { controllerConfigSchema } from "./config.ts";

/** JSON Schema (2020-12) of the controller's configuration file, for editors. */
export function controllerJsonSchema(): object {
  return { title: "penstock.yaml", ...z.toJSONSchema(controllerConfigSchema, { io: "input" }) };
}
