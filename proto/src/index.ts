import { fileURLToPath } from "node:url";

/** The wire protocol as generated code; its reference is `penstock/v1/agent.proto`. */
export * from "./gen/penstock/v1/agent.ts";

/** Where the protocol's definition lies, for what must load it at run time. */
export const PROTO_PATH: string = fileURLToPath(
  new URL("../src/penstock/v1/agent.proto", import.meta.url), // from `src` and from `dist` alike
);
