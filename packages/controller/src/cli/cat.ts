import { finished } from "node:stream/promises";
import {
  createDigest,
  flow,
  hashing,
  isErrno,
  listNames,
  PenstockError,
  type Receipt,
  raceAbort,
} from "@penstock/common";
import type { CommandModule } from "yargs";
import { Cancelled } from "../cancelled.ts";
import { named } from "../mover/named.ts";
import { rawBytes } from "../mover/stored-bytes.ts";
import type { Target } from "../targets/target.ts";
import { onCancel } from "./cancellation.ts";
import { Loaded } from "./loaded.ts";
import type { GlobalArguments } from "./options.ts";
import { findNamedSet, type SetArguments, setArgument } from "./set-argument.ts";

interface CatArguments extends SetArguments {
  readonly stream: string;
}

/** `penstock cat SET STREAM`: the tool's own bytes on standard output. */
export const catCommand: CommandModule<GlobalArguments, CatArguments> = {
  command: "cat <set> <stream>",
  describe: "Write one stream of a set, as its tool wrote it, to standard output",
  builder: (yargs) =>
    setArgument(yargs).positional("stream", {
      type: "string",
      demandOption: true,
      describe: "The stream's name",
    }),
  async handler(args) {
    const signal = onCancel();
    await using loaded = new Loaded(args.config);
    const { manifest, target } = await findNamedSet(loaded, args, signal);
    const receipt = manifest.streams.find(({ name }) => name === args.stream);
    if (receipt === undefined) {
      const names = listNames(manifest.streams.map(({ name }) => name));
      throw new PenstockError("not_found", `set ${manifest.set} has no stream ${args.stream}`, {
        hint: `its streams: ${names}`,
      });
    }
    const { name: stream, host } = receipt;
    await named({ host, stream }, writeRaw(target.target, receipt, signal));
  },
};

/** Checks every part before it is written, and the whole at the end. */
async function writeRaw(target: Target, receipt: Receipt, signal: AbortSignal): Promise<void> {
  const raw = createDigest();
  await write(flow(signal, rawBytes(target, receipt, signal), hashing(raw)), signal);
  if (raw.bytes === receipt.bytesRaw && raw.sha256().toString("hex") === receipt.sha256Raw) return;
  throw new PenstockError("damaged", "its bytes are not those of the manifest");
}

async function write(bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  const out = process.stdout;
  const broken = finished(out).catch((error: Error) => {
    throw brokenOutput(error);
  });
  broken.catch(() => {});
  for await (const chunk of bytes) {
    const written = new Promise<void>((resolve) => out.write(chunk, () => resolve()));
    await raceAbort(Promise.race([written, broken]), signal);
  }
}

/** A reader like `head` that has enough is no failure: we end as any program in a pipeline does. */
function brokenOutput(cause: Error): Error {
  if (isErrno(cause, "EPIPE")) return new Cancelled("SIGPIPE");
  return new PenstockError("failed", `write to standard output: ${cause.message}`, { cause });
}
