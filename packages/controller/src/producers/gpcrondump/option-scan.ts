import { unknownName } from "@penstock/common";

/** What is known of one option of a tool. */
interface OptionRule {
  /** It takes a value: always, or only if one of these words follows. */
  readonly value?: "always" | readonly string[];
  /** Why it cannot be given here. */
  readonly refused?: string;
}

/** A tool's options by name, with their dashes. */
export type OptionTable = Readonly<Record<string, OptionRule>>;

/** One option as it was given. */
export interface GivenOption {
  readonly name: string;
  readonly value?: string;
}

/** What is wrong with an argument, by its index. */
interface OptionProblem {
  readonly index: number;
  readonly message: string;
}

/** Arguments, understood. */
export interface ScannedOptions {
  readonly options: readonly GivenOption[];
  readonly problems: readonly OptionProblem[];
}

/**
 * Reads arguments as Python's optparse does: `-T x`, `-Tx`, `-gG`, `--prefix x`, `--prefix=x`. Long
 * names must be written in full. Whatever the table does not allow is a problem.
 */
export function scanOptions(args: readonly string[], table: OptionTable): ScannedOptions {
  const options: GivenOption[] = [];
  const problems: OptionProblem[] = [];
  for (let index = 0; index < args.length; ) {
    const scanned = scanArgument(args, index, table);
    for (const option of scanned.options) {
      const message = problemOf(option, table);
      if (message === undefined) options.push(option);
      else problems.push({ index, message });
    }
    index += scanned.taken;
  }
  return { options, problems };
}

/** The last value that was given for an option. */
export function givenValue(options: readonly GivenOption[], name: string): string | undefined {
  return options.findLast((option) => option.name === name)?.value;
}

/** Whether an option was given, whatever its value. */
export function isGiven(options: readonly GivenOption[], name: string): boolean {
  return options.some((option) => option.name === name);
}

interface ScannedArgument {
  readonly options: readonly GivenOption[];
  /** How many arguments it is, its value included. */
  readonly taken: number;
}

function scanArgument(args: readonly string[], index: number, table: OptionTable): ScannedArgument {
  const [argument = "", next] = args.slice(index);
  if (argument.startsWith("--")) {
    const end = argument.indexOf("=");
    if (end < 0) return withNext(argument, next, table);
    const option = { name: argument.slice(0, end), value: argument.slice(end + 1) };
    return { options: [option], taken: 1 };
  }
  if (/^-./.test(argument)) return scanCluster(argument.slice(1), next, table);
  return { options: [{ name: argument }], taken: 1 };
}

/** Letters behind one dash: the first that takes a value ends them. */
function scanCluster(
  letters: string,
  next: string | undefined,
  table: OptionTable,
): ScannedArgument {
  const [letter = "", ...rest] = letters;
  const name = `-${letter}`;
  const after = rest.join("");
  if (after === "") return withNext(name, next, table);
  if (ruleOf(table, name)?.value === "always") {
    return { options: [{ name, value: after }], taken: 1 };
  }
  const others = scanCluster(after, next, table);
  return { ...others, options: [{ name }, ...others.options] };
}

function withNext(name: string, next: string | undefined, table: OptionTable): ScannedArgument {
  const takes = ruleOf(table, name)?.value;
  const isTaken = next !== undefined && (takes === "always" || (takes && !next.startsWith("-")));
  if (!isTaken) return { options: [{ name }], taken: 1 };
  return { options: [{ name, value: next }], taken: 2 };
}

function problemOf({ name, value }: GivenOption, table: OptionTable): string | undefined {
  if (!name.startsWith("-")) return `${JSON.stringify(name)} is no option; allowed: options`;
  const rule = ruleOf(table, name);
  if (rule === undefined) {
    const allowed = Object.keys(table).filter((other) => table[other]?.refused === undefined);
    return unknownName("option", name, allowed);
  }
  if (rule.refused !== undefined) return `option ${name} cannot be given: ${rule.refused}`;
  if (rule.value === undefined) return value && `option ${name} takes no value`;
  if (rule.value === "always") return value ? undefined : `option ${name} needs a value`;
  if (value === undefined || rule.value.includes(value)) return undefined;
  return `bad value ${JSON.stringify(value)} of option ${name}; allowed: ${rule.value.join(", ")}`;
}

function ruleOf(table: OptionTable, name: string): OptionRule | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
