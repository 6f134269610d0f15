import { once } from "node:events";
import type { Transform } from "node:stream";
import type { ByteStream, Stage } from "../byte-stream.ts";
import { toError } from "../errors.ts";
import { giveBack } from "../transfer/block.ts";

/**
 * A Node transform stream as a stage. Holds what the transform's own buffers hold, and gives back the
 * chunks that it has used up. A failing source
 * or transform ends the stage with that error; the transform is always destroyed.
 */
export function through(createTransform: () => Transform): Stage {
  return async function* transformed(source, signal) {
    const transform = createTransform();
    const fed = feed(source, transform, signal);
    // Its error reaches the reader through destroy(); here it must not be unhandled meanwhile.
    fed.catch(() => {});
    try {
      yield* transform as AsyncIterable<Uint8Array>;
      await fed;
    } finally {
      transform.destroy();
    }
  };
}

async function feed(source: ByteStream, transform: Transform, signal: AbortSignal): Promise<void> {
  try {
    for await (const chunk of source) {
      const taken = transform.write(chunk, () => giveBack(chunk));
      if (!taken) await once(transform, "drain", { signal });
    }
    transform.end();
  } catch (error) {
    transform.destroy(toError(error));
    throw error;
  }
}
