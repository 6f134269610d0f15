import { PenstockError } from "../errors.ts";
import type { FormatCheck } from "./format-check.ts";
import { Tail } from "./tail.ts";

const COMMENT = "Greenplum Database database dump complete";
/** Exactly so it ends the metadata, the post-data and each segment's data. */
const LAST_TEXT: Buffer = Buffer.from(`--\n-- ${COMMENT}\n--\n\n`);

/**
 * SQL text of a Greenplum dump agent, which closes with a comment. Without it the text was cut: also
 * a cut at the end of a row reads well, and gzip closes its data well when its agent was killed.
 */
export class GpdumpFormat implements FormatCheck {
  readonly #tail: Tail = new Tail(LAST_TEXT.length);

  push(chunk: Uint8Array): undefined {
    this.#tail.push(chunk);
  }

  end(): undefined {
    if (this.#tail.bytes.equals(LAST_TEXT)) return;
    const message = `ends without the comment "${COMMENT}": its dump agent has not finished`;
    throw new PenstockError("damaged", message);
  }

  [Symbol.dispose](): void {}
}
