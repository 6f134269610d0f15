import type { Child } from "../harness/child.ts";
import { untilFound } from "../harness/until.ts";
import type { Stage } from "./stage.ts";

/** What a metric is said to be, in the order of the text. */
export interface Described {
  readonly name: string;
  readonly type: string;
  readonly help: string;
}

/** A text of metrics as Prometheus reads it. */
export class Scrape {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** The value of a series, written as in the text: `name{label="value"}`. */
  get(series: string): number | undefined {
    const line = this.text.split("\n").find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }

  /** The metrics of Penstock, also those without a value now. */
  get described(): Described[] {
    const pattern = /^# HELP (penstock_\S+) (.*)\n# TYPE \S+ (\S+)$/gm;
    return [...this.text.matchAll(pattern)].map(([, name = "", help = "", type = ""]) => {
      return { name, type, help };
    });
  }

  /** All names, also the process's own. */
  get names(): string[] {
    return [...this.text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = ""]) => name);
  }
}

/** The metrics of whoever serves them at this port now. */
export async function scrape(port: number, signal: AbortSignal): Promise<Scrape> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return new Scrape(await response.text());
}

/** The first scrape that is so. */
export async function untilScraped(
  port: number,
  isSo: (scraped: Scrape) => boolean,
  what: string,
  stage: Stage,
): Promise<Scrape> {
  const find = async (): Promise<Scrape | undefined> => {
    const scraped = await scrape(port, stage.signal);
    return isSo(scraped) ? scraped : undefined;
  };
  return await untilFound(find, what, stage.signal);
}

/** Where an agent that was told to take any port serves its metrics. */
export async function metricsPortOf(agent: Child, signal: AbortSignal): Promise<number> {
  const [, port] = await agent.stdout.waitFor(/"metricsPort":(\d+)/, signal);
  return Number(port);
}
