import type { Manifest } from "@penstock/common";
import type { CommandModule } from "yargs";
import { onCancel } from "./cancellation.ts";
import { Loaded } from "./loaded.ts";
import type { GlobalArguments } from "./options.ts";
import { print } from "./print.ts";
import { findNamedSet, type SetArguments, setArgument } from "./set-argument.ts";
import { humanBytes, table } from "./table.ts";

/** `penstock show SET`. */
export const showCommand: CommandModule<GlobalArguments, SetArguments> = {
  command: "show <set>",
  describe: "What a set holds: its manifest",
  builder: (yargs) => setArgument(yargs),
  async handler(args) {
    const signal = onCancel();
    await using loaded = new Loaded(args.config);
    const { manifest, target } = await findNamedSet(loaded, args, signal);
    const text = args.output === "json" ? toJson(manifest) : describe(manifest, target.target.url);
    print(text);
  },
};

function toJson(manifest: Manifest): string {
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

function describe(manifest: Manifest, url: string): string {
  const { set, plan, producer, cluster, status, startedAt, endedAt, error, streams } = manifest;
  const { warnings = [] } = manifest;
  const head = [
    `set ${set} of cluster ${cluster}, plan ${plan} (${producer}): ${status}`,
    `from ${startedAt} to ${endedAt}, on ${url}`,
    ...(error === undefined ? [] : [`error: ${error}`]),
    ...warnings.map((warning) => `warning: ${warning}`),
  ];
  const headings = [
    "HOST",
    "STREAM",
    "KIND",
    "RAW",
    "STORED",
    "CODEC",
    "RECONNECTS",
    "SHA-256 (STORED)",
  ];
  const rows = streams.map((stream) => [
    stream.host,
    stream.name,
    stream.kind,
    humanBytes(stream.bytesRaw),
    humanBytes(stream.bytesStored),
    stream.codec,
    String(stream.reconnects),
    stream.sha256Stored,
  ]);
  return `${head.join("\n")}\n${rows.length === 0 ? "" : `\n${table([headings, ...rows])}`}`;
}
