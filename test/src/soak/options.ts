import { parseArgs } from "node:util";

/** What to do and for how long. */
export interface SoakOptions {
  /** No round begins later. */
  readonly minutes: number;
  readonly seed: number;
  /** At most as many rounds. */
  readonly rounds: number;
  /** The number of the first round: to see one again without those before it. */
  readonly firstRound: number;
  readonly output: "text" | "json";
}

/** The command line, explained. */
export const USAGE = `usage: npm run soak -- [options]    many short runs with random faults
  --minutes N      how long to begin new rounds (default 10)
  --seed N         what is chosen follows from it alone (default: a random one, which is printed)
  --rounds N       end after as many rounds
  --first N        begin with the round of this number, e.g. to see it again (default 1)
  -o text|json     form of the result (default text)
`;

const MOST_SEEDS = 2 ** 32;

/** Reads the command line. Throws an error that says which option is wrong. */
export function parseOptions(args: readonly string[]): SoakOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: "string", default: "10" },
      seed: { type: "string", default: String(Math.floor(Math.random() * MOST_SEEDS)) },
      rounds: { type: "string" },
      first: { type: "string", default: "1" },
      output: { type: "string", short: "o", default: "text" },
    },
  });
  return {
    minutes: parsePositive("--minutes", values.minutes),
    seed: parseWhole("--seed", values.seed),
    rounds: values.rounds === undefined ? Infinity : parseWhole("--rounds", values.rounds),
    firstRound: parseWhole("--first", values.first),
    output: parseOutput(values.output),
  };
}

function parsePositive(option: string, text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new Error(`${option} ${text}: not a number above 0`);
}

function parseWhole(option: string, text: string): number {
  if (/^\d+$/.test(text) && Number(text) < MOST_SEEDS) return Number(text);
  throw new Error(`${option} ${text}: not a whole number below ${MOST_SEEDS}`);
}

function parseOutput(text: string): "text" | "json" {
  if (text === "text" || text === "json") return text;
  throw new Error(`-o ${text}: neither text nor json`);
}
