import {
  type ConfigFile,
  configError,
  type ErrorAt,
  PenstockError,
  readCredentials,
  type TlsMaterial,
  unknownName,
} from "@penstock/common";
import { type ControllerConfig, loadControllerConfig } from "../config.ts";
import type { PlanConfig } from "../config-plan.ts";
import type { Producer } from "../producers/producer.ts";
import { createProducer } from "../producers/producers.ts";
import { AgentClient } from "../run/agent-client.ts";
import type { RunContext } from "../run/context.ts";
import type { ExplainOrigin } from "../run/prepare.ts";
import { openTarget } from "../targets/targets.ts";

/** A target of the configuration, open. */
export type OpenedTarget = RunContext["targets"][number];

/**
 * The controller's configuration, read once, and what a command opens from it. Disposing it closes
 * all of that.
 */
export class Loaded implements AsyncDisposable {
  readonly file: ConfigFile<ControllerConfig>;
  readonly #opened: AsyncDisposableStack = new AsyncDisposableStack();
  #tls: TlsMaterial | undefined;

  /** Reads the file. Throws `usage` with every problem and its line. */
  constructor(path: string) {
    this.file = loadControllerConfig(path);
  }

  get config(): ControllerConfig {
    return this.file.value;
  }

  /** Our certificate, checked. */
  get tls(): TlsMaterial {
    const { tls, cluster } = this.config;
    this.#tls ??= readCredentials(tls, { roles: ["controller"], cluster });
    return this.#tls;
  }

  /** A plan by name. Throws `usage`, listing those there are. */
  plan(name: string): PlanConfig {
    return byName(this.config.plans, "plan", name);
  }

  /** The planner of a plan. Throws `usage`, listing the plans there are. */
  producer(planName: string): Producer {
    const { producer } = this.plan(planName);
    const agents = Object.keys(this.config.agents);
    return createProducer(producer, ["plans", planName, "producer"], this.errorAt, agents);
  }

  /** Connections to these agents; nothing is dialled yet. */
  agents(names: readonly string[]): AgentClient[] {
    return names.map((name) => {
      const agent = byName(this.config.agents, "agent", name);
      return this.use(new AgentClient(name, agent.address, this.tls));
    });
  }

  /** These targets, open; all of the configuration if none are named. */
  async targets(
    names: readonly string[] | undefined,
    signal: AbortSignal,
  ): Promise<OpenedTarget[]> {
    const all = this.config.targets;
    const opened: OpenedTarget[] = [];
    for (const name of names ?? Object.keys(all)) {
      const config = byName(all, "target", name);
      const target = await openTarget(config, signal).catch((error: unknown) => {
        throw error instanceof PenstockError
          ? this.explain(["targets", name, "url"], error)
          : error;
      });
      opened.push({ name, config, target: this.#opened.use(target) });
    }
    return opened;
  }

  /** Something that is closed with this. */
  use<T extends AsyncDisposable | Disposable>(resource: T): T {
    return this.#opened.use(resource);
  }

  /** The error for a place in the file. */
  readonly errorAt: ErrorAt = (path, message) => configError(this.file, path, message);

  /** An agent's refusal of something that was said here, at its line. */
  readonly explain: ExplainOrigin = (origin, error) => {
    if (error.code !== "usage") return error;
    const { code, message } = configError(this.file, origin, error.message);
    return new PenstockError(code, message, {
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened[Symbol.asyncDispose]();
  }
}

/** The entry of that name. Throws `usage`, listing those there are. */
function byName<T>(entries: Readonly<Record<string, T>>, what: string, name: string): T {
  const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
  if (entry !== undefined) return entry;
  throw new PenstockError("usage", unknownName(what, name, Object.keys(entries)));
}
