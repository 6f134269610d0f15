/** A line of an agent's status on its way to the locks. */
type Step = readonly ["info" | "plain", string];

const info = (...texts: readonly string[]): Step[] => texts.map((text) => ["info", text]);
const plain = (...texts: readonly string[]): Step[] => texts.map((text) => ["plain", text]);

const columns = info(
  "finding inheritance relationships",
  "reading column info for interesting tables",
  "started obtaining oids from pg_type",
  "finished obtaining oids from pg_type",
  "inserting oids into hash table",
  "hash table successfully initialized with oids",
  "last batch of sql commands finished executing",
  "flagging inherited columns in subtables",
);

/** What a segment's agent says that it reads. */
export const segmentSteps: readonly Step[] = [
  ...info("reading schemas"),
  ...plain("reading user-defined tables"),
  ...info("reading type casts", "reading table inheritance information", "reading rewrite rules"),
  ...columns,
];

/** What the coordinator's agent says that it reads. */
export const coordinatorSteps: readonly Step[] = [
  ...info("reading schemas"),
  ...plain("reading user-defined tables"),
  ...info(
    "reading user-defined functions",
    "reading user-defined types",
    "reading type storage options",
    "reading procedural languages",
    "reading user-defined aggregate functions",
    "reading user-defined operators",
    "reading user-defined external protocols",
    "reading user-defined operator classes",
    "reading user-defined operator families",
  ),
  ...plain(
    "reading user-defined text search parsers",
    "reading user-defined text search templates",
    "reading user-defined text search dictionaries",
    "reading user-defined text search configurations",
  ),
  ...info(
    "reading user-defined conversions",
    "reading type casts",
    "reading table inheritance information",
    "reading rewrite rules",
  ),
  ...columns,
  ...info("reading indexes", "reading constraints", "reading triggers"),
];
