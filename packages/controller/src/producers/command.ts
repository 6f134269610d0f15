import type { ErrorAt, Manifest, Receipt, StreamKind } from "@penstock/common";
import type { CommandConfig, CommandTool } from "./command-config.ts";
import { type ExpandedStream, expandStreams, valuesOf } from "./command-expansion.ts";
import { assertSetFits, isCollected } from "./command-restore-checks.ts";
import { asBackedUp, assertWholeSet, onMappedHosts } from "./command-restore-options.ts";
import {
  AS_PLANNED,
  type FileGlob,
  type Origin,
  type PlannedStream,
  type PlannedTool,
  type Producer,
  type RunPlan,
} from "./producer.ts";
import { fill } from "./template.ts";

/**
 * Plans runs of any tool that writes or reads pipes: the same tool once on each host, with the
 * streams of that host. `origin` is where `config` stands, `errorAt` makes errors for its file.
 */
export function createCommandProducer(
  config: CommandConfig,
  origin: Origin,
  errorAt: ErrorAt,
): Producer {
  return {
    planBackup: (set) => planBackup({ config, origin, set }),
    planRestore(manifest, _answers, options = AS_PLANNED) {
      assertWholeSet(options);
      const { hosts } = options;
      const basis = { config: asBackedUp(config, hosts), origin, set: manifest.set };
      return onMappedHosts(planRestore(basis, manifest, errorAt), hosts);
    },
  };
}

/** What every part of one plan is made from. */
interface Basis {
  readonly config: CommandConfig;
  readonly origin: Origin;
  readonly set: string;
}

function planBackup(basis: Basis): RunPlan {
  const { config, origin, set } = basis;
  const expanded = expandStreams(config, set);
  const streams = expanded.map((stream) => toStream(stream, "stdout", origin));
  return {
    streams,
    tools: planTools(basis, config.backup, "backup", streams),
    files: planFiles(basis),
  };
}

/** The mirror: what was written is read, and files that were collected are put back. */
function planRestore(basis: Basis, manifest: Manifest, errorAt: ErrorAt): RunPlan {
  const { config, origin, set } = basis;
  if (config.restore === undefined) {
    const allowed = "a map with the keys tool, args, env, stopSignal";
    throw errorAt([...origin, "restore"], `no restore section; allowed: ${allowed}`);
  }
  const expanded = expandStreams(config, set);
  assertSetFits(manifest, { config, expanded }, origin, errorAt);
  const stored = new Set(manifest.streams.map(({ name }) => name));
  const streams = expanded
    .filter(({ name }) => stored.has(name))
    .map((stream) => ({ ...toStream(stream, "stdin", origin), required: true }));
  const collected = manifest.streams.filter(isCollected).map((file) => toFileStream(file, origin));
  return {
    streams: [...streams, ...collected],
    tools: planTools(basis, config.restore, "restore", streams),
    files: [],
  };
}

/** `standard` is the end of the tool that `stdout` and `stdin` both mean in this direction. */
function toStream(
  { name, host, path, stream, index }: ExpandedStream,
  standard: StreamKind,
  origin: Origin,
): PlannedStream {
  const kind = stream.path === undefined ? standard : stream.kind;
  const { required } = stream;
  return { name, host, kind, path, required, origin: [...origin, "streams", index] };
}

function toFileStream({ name, host, path }: Receipt, origin: Origin): PlannedStream {
  return { name, host, kind: "file", path, required: true, origin: [...origin, "files"] };
}

/** One process on each host that has streams in this run. */
function planTools(
  { config, origin, set }: Basis,
  { tool, args, env, stopSignal }: CommandTool,
  section: string,
  streams: readonly PlannedStream[],
): PlannedTool[] {
  return config.hosts.flatMap((host) => {
    const own = streams.filter((stream) => stream.host === host.name).map(({ name }) => name);
    if (own.length === 0) return [];
    const values = valuesOf(host, set);
    return {
      id: host.name,
      host: host.name,
      tool,
      args: args.map((template) => fill(template, values)),
      env: Object.fromEntries(
        Object.entries(env).map(([name, template]) => [name, fill(template, values)]),
      ),
      streams: own,
      ...(stopSignal === undefined ? {} : { stopSignal }),
      origin: [...origin, section],
    };
  });
}

function planFiles({ config, origin, set }: Basis): FileGlob[] {
  return config.hosts.flatMap((host) =>
    config.files.map((template, index) => ({
      host: host.name,
      glob: fill(template, valuesOf(host, set)),
      origin: [...origin, "files", index],
    })),
  );
}
