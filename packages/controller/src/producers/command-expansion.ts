import type { CommandConfig, CommandHost, CommandStream } from "./command-config.ts";
import { fill, type TemplateValues } from "./template.ts";

/** Stands for a set's name where the configuration is checked: it is known only in a run. */
export const SOME_SET = "20000101000000";

/** One stream of one host, its templates filled in. */
export interface ExpandedStream {
  readonly name: string;
  readonly host: string;
  /** "" if it has none. */
  readonly path: string;
  readonly stream: CommandStream;
  /** Its place in the configuration's list. */
  readonly index: number;
}

/** What the templates of a host may name. */
export function valuesOf({ name, vars }: CommandHost, set: string): TemplateValues {
  return { ...vars, host: name, set };
}

/** Every stream of every host, host by host. */
export function expandStreams({ hosts, streams }: CommandConfig, set: string): ExpandedStream[] {
  return hosts.flatMap((host) => {
    const values = valuesOf(host, set);
    return streams.map((stream, index) => ({
      name: fill(stream.name, values),
      host: host.name,
      path: fill(stream.path ?? "", values),
      stream,
      index,
    }));
  });
}
