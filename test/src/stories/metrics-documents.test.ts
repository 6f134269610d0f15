import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { freePort } from "../harness/free-port.ts";
import { type Described, metricsPortOf, Scrape, scrape } from "./scrape.ts";
import { openStage } from "./stage.ts";
import { ENDLESS, WatchedPlan } from "./watched-plan.ts";

const DOCUMENTS = join(import.meta.dirname, "../../../docs");
/** The data source that a variable of Grafana's names. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana replaces it
const CHOSEN = { type: "prometheus", uid: "${datasource}" };
const agentSettings = { metrics: { listen: "127.0.0.1:0" } };
const stage = openStage({ hosts: ["sdw1"], agentSettings });
const nightly = new WatchedPlan(stage);
let agent: Scrape;
let run: Scrape;
let file: Scrape;

/** What is really told: by an agent, by a run that goes on, and after one has ended. */
beforeAll(async () => {
  await nightly.configure("head -c 1M /dev/zero > {root}/{set}/app.pipe");
  await stage.backup("nightly");
  file = new Scrape(await readFile(join(stage.cluster.runDirectory, "metrics.prom"), "utf8"));
  await nightly.configure(ENDLESS);
  const port = await freePort();
  await appendFile(stage.cluster.configFile, `metrics: {listen: "127.0.0.1:${port}"}\n`);
  await using _running = await nightly.startFlowing();
  run = await scrape(port, stage.signal);
  const { child } = stage.cluster.host("sdw1");
  agent = await scrape(await metricsPortOf(child, stage.signal), stage.signal);
});

test("the table of metrics has each one, from where, its type and its meaning, and no other", async () => {
  const rows = (await readDocument("metrics.md")).matchAll(
    /^\| `(penstock_\w+)` \| ([a-z, ]+) \| (\w+) \| [^|]* \| ([^|]+) \|$/gm,
  );
  const documented = [...rows].map(([, name = "", from = "", type = "", help = ""]) => {
    return { name, from, type, help };
  });
  const inFile = new Set(file.names);
  const fromRun = ({ name }: Described): string => (inFile.has(name) ? "run, file" : "run");
  expect(documented).toEqual([
    ...agent.described.map((metric) => ({ ...metric, from: "agent" })),
    ...run.described.map((metric) => ({ ...metric, from: fromRun(metric) })),
  ]);
  expect(file.names).toHaveLength(5);
});

test("the table names the labels that each series has", async () => {
  const table = await readDocument("metrics.md");
  const series = [agent, run, file].flatMap(({ text }) => [
    ...text.matchAll(/^(penstock_\w+)(?:\{(.*)\})? /gm),
  ]);
  expect(series.length).toBeGreaterThan(40);
  for (const [, name = "", labels = ""] of series) {
    const names = [...labels.matchAll(/(\w+)="/g)].map(([, label]) => `\`${label}\``);
    expect(table).toMatch(
      new RegExp(`^\\| \`${name}\` \\|[^|]+\\|[^|]+\\| ${names.join(", ")} ?\\|`, "m"),
    );
  }
});

test("alerts ask for nothing that is not told", async () => {
  const { groups } = parse(await readDocument("metrics/alerts.yaml"));
  const rules = groups.flatMap((group: { rules: { expr: string }[] }) => group.rules);
  expect(rules.length).toBeGreaterThan(8);
  for (const { expr } of rules) expectKnown(expr);
});

test("the dashboard asks for nothing that is not told, of the data source that is chosen", async () => {
  const dashboard = JSON.parse(await readDocument("metrics/dashboard.json"));
  const panels: { datasource: object; targets: { expr: string; datasource: object }[] }[] =
    dashboard.panels;
  expect(panels.length).toBeGreaterThan(8);
  for (const { datasource, targets } of panels) {
    for (const target of targets) {
      expectKnown(target.expr);
      expect([target.datasource, datasource]).toEqual([CHOSEN, CHOSEN]);
    }
  }
  const [source, cluster] = dashboard.templating.list;
  expect([source.name, cluster.name]).toEqual(["datasource", "cluster"]);
  expectKnown(cluster.definition);
});

/** Every metric in an expression is told by somebody; there is at least one. */
function expectKnown(expression: string): void {
  // `up` is Prometheus' own.
  const known = new Set([...agent.names, ...run.names, ...file.names, "up"]);
  const names = expression.match(/\b(?:(?:penstock|process|nodejs)_\w+|up)\b/g) ?? [];
  expect(names, expression).not.toHaveLength(0);
  for (const name of names) expect(known, expression).toContain(name);
}

async function readDocument(path: string): Promise<string> {
  return await readFile(join(DOCUMENTS, path), "utf8");
}
