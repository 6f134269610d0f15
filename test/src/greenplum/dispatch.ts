import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Instances } from "./catalogue.ts";
import { shellQuote } from "./shell-quote.ts";
import { GPADMIN, type GreenplumState } from "./state.ts";

/**
 * Brings a section of the schema from the coordinator to the segments, as a real coordinator does with
 * each statement. What a segment has already stays as it is.
 */
export async function dispatch(
  { postgres }: GreenplumState,
  { coordinator, current }: Instances,
  database: string,
  section: "pre-data" | "post-data",
): Promise<void> {
  const to = (port: number): string =>
    `-h 127.0.0.1 -p ${port} -U ${GPADMIN} -d ${shellQuote(database)}`;
  const source = `${postgres.pg_dump} ${to(coordinator.port)} --section=${section}`;
  await Promise.all(
    current.map(async ({ port }) => {
      const command = `${source} | ${postgres.psql} -X -q ${to(port)}`;
      const child = spawn("/bin/sh", ["-c", command], { stdio: "ignore" });
      await once(child, "exit");
    }),
  );
}
