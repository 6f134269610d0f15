import { World } from "./world.ts";

/** What became of a stream: all there and identical, or nothing. */
export type Ending = "complete" | "absent";

/** One seed's world, run to its end. What is wrong about it is among the world's violations. */
export type Simulation = (world: World) => Promise<Ending>;

const DEFAULT_COUNT = 3_000;
const TRACED_LINES = 400;

/** Which seeds to run. */
export interface Seeds {
  readonly first: number;
  readonly count: number;
}

/**
 * From PENSTOCK_SEED, the first one, and PENSTOCK_SEEDS, how many. The first one alone is that one
 * seed; without either the same seeds run each time.
 */
export function seedsFrom(env: NodeJS.ProcessEnv): Seeds {
  const { PENSTOCK_SEED: first, PENSTOCK_SEEDS: count } = env;
  const defaultCount = first === undefined ? DEFAULT_COUNT : 1;
  return { first: toCount(first, 1), count: toCount(count, defaultCount) };
}

/** Runs each seed's world; throws at the first violation, with its trace and how to see it again. */
export async function runSeeds(
  simulation: Simulation,
  { first, count }: Seeds,
  file: string,
): Promise<Record<Ending, number>> {
  const endings = { complete: 0, absent: 0 };
  for (let seed = first; seed < first + count; seed++) {
    const { world, ending } = await runWorld(simulation, seed, count === 1);
    endings[ending] += 1;
    if (world.violations.length > 0) throw new Error(await report(simulation, seed, file));
    if (count === 1) console.log(world.trace.join("\n"));
  }
  return endings;
}

/** One world. What nobody has caught counts as a violation, too. */
export async function runWorld(
  simulation: Simulation,
  seed: number,
  isTraced: boolean,
): Promise<{ readonly world: World; readonly ending: Ending }> {
  const world = new World(seed, isTraced);
  const onRejection = (error: unknown): void => world.violated(`nobody has caught: ${error}`);
  process.on("unhandledRejection", onRejection);
  try {
    return { world, ending: await simulation(world) };
  } finally {
    process.off("unhandledRejection", onRejection);
  }
}

/** The same seed gives the same world: so its trace can be had afterwards. */
async function report(simulation: Simulation, seed: number, file: string): Promise<string> {
  const { world } = await runWorld(simulation, seed, true);
  return [
    `seed ${seed}:`,
    ...world.violations.map((violation) => `  ${violation}`),
    `replay: PENSTOCK_SEED=${seed} npx vitest run ${file}`,
    ...world.trace.slice(-TRACED_LINES),
  ].join("\n");
}

function toCount(text: string | undefined, otherwise: number): number {
  const value = text === undefined || text === "" ? otherwise : Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new RangeError(`${text} is neither a seed nor a number of seeds`);
}
