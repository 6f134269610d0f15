import {
  constants,
  createGunzip,
  createGzip,
  createZstdCompress,
  createZstdDecompress,
} from "node:zlib";
import type { Stage } from "../byte-stream.ts";
import type { CodecName } from "../manifest.ts";
import { through } from "./through.ts";

const OUTPUT_CHUNK_BYTES = 128 * 1024;

/** A codec's two directions. The stored bytes are what the standard command-line tools read. */
interface Codec {
  /** What it adds to an object's name. */
  readonly suffix: string;
  readonly compress: Stage | undefined;
  readonly decompress: Stage | undefined;
}

const codecs: Readonly<Record<CodecName, Codec>> = {
  none: { suffix: "", compress: undefined, decompress: undefined },
  gzip: {
    suffix: ".gz",
    // Level 1: what `gzip -1` does in every dump pipeline; higher ones cannot follow a disk.
    compress: through(() => createGzip({ level: 1, chunkSize: OUTPUT_CHUNK_BYTES })),
    decompress: through(() => createGunzip({ chunkSize: OUTPUT_CHUNK_BYTES })),
  },
  zstd: {
    suffix: ".zst",
    compress: through(() =>
      createZstdCompress({
        chunkSize: OUTPUT_CHUNK_BYTES,
        params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 },
      }),
    ),
    decompress: through(() => createZstdDecompress({ chunkSize: OUTPUT_CHUNK_BYTES })),
  },
};

/** The stages that turn raw bytes into stored ones: none or one. */
export function compress(codec: CodecName): Stage[] {
  return asList(codecs[codec].compress);
}

/**
 * The mirror of `compress`. Malformed input throws. A cut zstd frame may end early instead (Node does
 * not ask for its end), so whoever reads compares count and digest.
 */
export function decompress(codec: CodecName): Stage[] {
  return asList(codecs[codec].decompress);
}

/** What the codec adds to an object's name, e.g. ".zst". */
export function codecSuffix(codec: CodecName): string {
  return codecs[codec].suffix;
}

function asList(stage: Stage | undefined): Stage[] {
  return stage === undefined ? [] : [stage];
}
