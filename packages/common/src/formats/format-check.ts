/**
 * Looks at the raw bytes of one stream as they pass, whether they are whole: what a tool writes that
 * was killed, or has lost a part of its own pipeline, often ends as cleanly as what is complete.
 *
 * Memory is bounded and independent of the stream's length. Whoever opens a check disposes it.
 */
export interface FormatCheck extends Disposable {
  /**
   * Takes the next bytes, cut anywhere, which must not change until it has: at once, or when the promise
   * resolves. One at a time. Throws
   * `damaged` once the stream cannot become right any more; what is missing stands in the message,
   * which begins with a verb: "ends in the middle of its gzip data".
   */
  push(chunk: Uint8Array): Promise<void> | undefined;
  /** There are no more bytes. Throws `damaged` if something is missing. */
  end(): Promise<void> | undefined;
}
