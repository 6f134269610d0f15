/** Where a stream goes. Plain data: it crosses threads. */
export interface StreamPlace {
  /** Key of the stream's object; a longer stream gets `.000000`, `.000001`, … behind it. */
  readonly key: string;
  /** The run, for sweeping. */
  readonly scope: string;
  /** Largest object in bytes. */
  readonly segmentBytes: number;
}

/** The key of one of several objects; also of the first while it may still become the only one. */
export function segmentKey({ key }: StreamPlace, index: number): string {
  return `${key}.${String(index).padStart(6, "0")}`;
}
