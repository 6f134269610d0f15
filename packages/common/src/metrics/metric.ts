/** A metric at one moment, with a value for each of its labels. */
export interface Sample {
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
}

/**
 * What is documented of a metric, and how it is read from the state `S` of its process. It is read when
 * somebody asks: whatever it counts is counted anyway.
 */
export interface Metric<S> {
  readonly name: string;
  readonly type: "counter" | "gauge";
  /** One sentence without a full stop. */
  readonly help: string;
  /** Of each only few values are possible: every one is a series that is kept for months. */
  readonly labels: readonly string[];
  readonly read: (state: S) => readonly Sample[];
}
