import type { Stage } from "./stage.ts";

/** A plan whose tool is a shell. In all texts `{root}` is the agent's root and `{data}` the host's data. */
export interface ShellPlan {
  readonly hosts: readonly string[];
  readonly streams: readonly object[];
  /** Shell commands. */
  readonly backup: string;
  readonly restore?: string;
  readonly files?: readonly string[];
  /** Further keys of the plan, e.g. `{compression: "none"}`. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** One pipe on each host. */
export const ONE_PIPE: readonly object[] = [
  { name: "app-{host}", kind: "fifo", path: "{root}/{set}/app.pipe" },
];

/** The plan as it stands in the configuration. */
export function toPlan(stage: Stage, plan: ShellPlan): object {
  const { streams, backup, restore, files = [], settings = {} } = plan;
  const hosts = plan.hosts.map((name) => ({
    name,
    vars: { root: stage.cluster.host(name).root, data: stage.dataOf(name) },
  }));
  const shell = (script: string): object => ({ tool: "sh", args: ["-c", `set -e; ${script}`] });
  return {
    producer: {
      type: "command",
      hosts,
      streams,
      backup: shell(backup),
      ...(restore === undefined ? {} : { restore: shell(restore) }),
      files,
    },
    targets: ["local"],
    ...settings,
  };
}

/** A plan that copies the file `in` of each host's data through a pipe, and back into `out`. */
export function copyPlan(
  stage: Stage,
  hosts: readonly string[],
  settings: Readonly<Record<string, unknown>> = {},
): object {
  return toPlan(stage, {
    hosts,
    streams: ONE_PIPE,
    backup: "cat {data}/in > {root}/{set}/app.pipe",
    // Only who sees a good end of the input says so.
    restore: "cat {root}/{set}/app.pipe > {data}/out; touch {data}/out.complete",
    settings,
  });
}
