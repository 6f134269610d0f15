import { randomBytes } from "node:crypto";
import { toPenstockError } from "@penstock/common";
import type { CommandModule } from "yargs";
import { reachAll } from "../run/reach.ts";
import { joined } from "../run/together.ts";
import { onCancel } from "./cancellation.ts";
import { Loaded, type OpenedTarget } from "./loaded.ts";
import type { GlobalArguments } from "./options.ts";
import { assertPlanTools } from "./plan-tools.ts";
import { print, printJson } from "./print.ts";
import { table } from "./table.ts";

/** What was looked at, and what is wrong with it. */
interface Finding {
  readonly what: "agent" | "target" | "plan";
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** `penstock check`: reaches every agent and target, looks for the plans' tools, and says all that is wrong. */
export const checkCommand: CommandModule<GlobalArguments, GlobalArguments> = {
  command: "check",
  describe: "Reach every agent and target and say what is wrong; nothing is started",
  async handler({ config, output }) {
    const signal = onCancel();
    await using loaded = new Loaded(config);
    const errors: unknown[] = [];
    const settled = async (
      finding: Omit<Finding, "ok" | "detail">,
      probe: Promise<string>,
    ): Promise<Finding> => {
      try {
        return { ...finding, ok: true, detail: await probe };
      } catch (error) {
        signal.throwIfAborted();
        errors.push(error);
        return { ...finding, ok: false, detail: toPenstockError(error, finding.name).message };
      }
    };
    const { agents, targets, cluster, plans } = loaded.config;
    const allowed = new Map<string, readonly string[]>();
    const reached = await Promise.all([
      ...loaded
        .agents(Object.keys(agents))
        .map((agent) =>
          settled({ what: "agent", name: agent.name }, probeAgent(agent, cluster, allowed, signal)),
        ),
      ...Object.keys(targets).map((name) =>
        settled(
          { what: "target", name },
          probeTarget(loaded.targets([name], signal), cluster, signal),
        ),
      ),
    ]);
    const planned = await Promise.all(
      Object.keys(plans).map((name) =>
        settled({ what: "plan", name }, probePlan(loaded, name, allowed)),
      ),
    );
    const findings = [...reached, ...planned];
    if (output === "json")
      printJson({ event: "result", status: errors.length === 0 ? "ok" : "failed", findings });
    else print(toTable(findings));
    if (errors.length > 0) throw joined(errors);
  },
};

async function probeAgent(
  agent: ReturnType<Loaded["agents"]>[number],
  cluster: string,
  allowed: Map<string, readonly string[]>,
  signal: AbortSignal,
): Promise<string> {
  const [reached] = await reachAll([agent], cluster, signal);
  if (reached === undefined) return "";
  const { version, user, roots, tools, runs } = reached.description;
  allowed.set(agent.name, tools);
  const busy = runs.map(({ plan, holder }) => `; busy with plan ${plan} of ${holder}`).join("");
  return `version ${version}, user ${user}, clock ${reached.clockSkewMs} ms off, roots ${roots.join(" ")}, tools ${tools.join(" ")}${busy}`;
}

async function probePlan(
  loaded: Loaded,
  name: string,
  allowed: ReadonlyMap<string, readonly string[]>,
): Promise<string> {
  const tools = assertPlanTools(loaded, name, allowed);
  return `tools ${tools.join(" ")} are allowed`;
}

/** Stores, reads and removes a tiny object. */
async function probeTarget(
  opened: Promise<OpenedTarget[]>,
  cluster: string,
  signal: AbortSignal,
): Promise<string> {
  for (const { target } of await opened) {
    const key = `${cluster}/probe-${randomBytes(8).toString("hex")}`;
    await target.putIfAbsent(key, Buffer.from("probe\n"), signal);
    await target.stat(key, signal);
    await target.remove(key, signal);
    return `${target.url} can be written and read`;
  }
  return "";
}

function toTable(findings: readonly Finding[]): string {
  const rows = findings.map(({ what, name, ok, detail }) => [
    what,
    name,
    ok ? "ok" : "FAILED",
    detail,
  ]);
  return table([["", "NAME", "STATE", "DETAIL"], ...rows]);
}
