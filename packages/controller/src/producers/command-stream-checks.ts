import { type ConfigProblem, nameProblem, pathProblem, quote } from "@penstock/common";
import type { CommandConfig } from "./command-config.ts";
import { type ExpandedStream, expandStreams, SOME_SET, valuesOf } from "./command-expansion.ts";
import { fill } from "./template.ts";

/** What is wrong with names, paths and globs once their placeholders are replaced. */
export function expansionProblems(config: CommandConfig): ConfigProblem[] {
  const streams = expandStreams(config, SOME_SET);
  return [...nameProblems(streams), ...pathProblems(streams), ...globProblems(config)];
}

/** Names are unique in a set, so over all hosts. */
function nameProblems(streams: readonly ExpandedStream[]): ConfigProblem[] {
  const seen = new Map<string, ExpandedStream>();
  return streams.flatMap((stream) => {
    const { name, host, index } = stream;
    const path = ["streams", index, "name"];
    const bad = nameProblem(name);
    if (bad !== undefined) return [{ path, message: bad }];
    const first = seen.get(name);
    if (first === undefined) {
      seen.set(name, stream);
      return [];
    }
    if (first.host === host) return [{ path, message: `duplicate stream name ${quote(name)}` }];
    const message = `stream name ${quote(name)} is the same on hosts ${first.host} and ${host}; allowed: one with {host} in it`;
    return [{ path, message }];
  });
}

function pathProblems(streams: readonly ExpandedStream[]): ConfigProblem[] {
  const seen = new Map<string, string>();
  return streams.flatMap(({ name, host, path, stream, index }) => {
    const isStandard = stream.path === undefined;
    const place = ["streams", index, isStandard ? "kind" : "path"];
    const bad = isStandard ? undefined : pathProblem(path);
    if (bad !== undefined) return [{ path: place, message: bad }];
    const end = `${host}:${path}`; // a tool's own stdout or stdin has no path
    const first = seen.get(end);
    seen.set(end, first ?? name);
    if (first === undefined) return [];
    const what = isStandard ? "a tool has one stdout, and" : `path ${quote(path)} on host ${host}:`;
    return [{ path: place, message: `${what} stream ${quote(first)} has it already` }];
  });
}

function globProblems({ hosts, files }: CommandConfig): ConfigProblem[] {
  return files.flatMap((template, index) => {
    const path = ["files", index];
    if (template.includes("**")) {
      return [
        { path, message: `bad glob ${quote(template)}; allowed: * and ? and [ ], but not **` },
      ];
    }
    return hosts.flatMap((host) => {
      const message = pathProblem(fill(template, valuesOf(host, SOME_SET)));
      return message === undefined ? [] : [{ path, message }];
    });
  });
}
