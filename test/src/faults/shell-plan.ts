import type { AgentHost } from "../harness/agent-host.ts";

/** What the tools of a plan do: scripts for `sh`, whose `$1` is the stream's pipe, if it has one. */
export interface Scripts {
  readonly backup: string;
  readonly restore?: string;
}

/** The rest of a plan. */
export interface ShellPlanOptions {
  readonly hosts: readonly AgentHost[];
  /** `stdout` is `stdin` in a restore. */
  readonly kind?: "fifo" | "stdout";
  /** Of the stream's pipe; by default in a folder of the run below the agent's root. */
  readonly path?: string;
  /** Further keys of both tools. */
  readonly tool?: { readonly stopSignal?: string; readonly env?: Readonly<Record<string, string>> };
  /** Further keys of the plan. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

const PIPE = "{root}/{set}/app-{host}.pipe";

/** One stream from each host, `app-HOST`, whose tools are shell scripts. */
export function shellPlan(scripts: Scripts, options: ShellPlanOptions): object {
  const { hosts, kind = "fifo", path = PIPE, tool = {}, settings } = options;
  const shell = (script: string): object => ({
    tool: "sh",
    args: ["-c", script, "sh", ...(kind === "fifo" ? [path] : [])],
    ...tool,
  });
  return {
    producer: {
      type: "command",
      hosts: hosts.map(({ name, root }) => ({ name, vars: { root } })),
      streams: [{ name: "app-{host}", kind, ...(kind === "fifo" ? { path } : {}) }],
      backup: shell(scripts.backup),
      ...(scripts.restore === undefined ? {} : { restore: shell(scripts.restore) }),
    },
    targets: ["local"],
    compression: "none",
    lease: "60s",
    grace: "1s",
    ...settings,
  };
}
