/** What the simulation of the stream protocol runs of a mover. No program imports it. */
export type { AgentLink } from "./mover/agent-link.ts";
export { deliver } from "./mover/deliver.ts";
export type { JobEvents, StoredStream, StoreJob, StoreTask } from "./mover/jobs.ts";
export { startStore } from "./mover/store.ts";
export { StreamWriter } from "./mover/stream-writer.ts";
export type { ByteRange, LeftObject, ObjectWriter, Target } from "./targets/target.ts";
