import { type ConfigProblem, formatPath, quote } from "@penstock/common";
import type { CommandConfig } from "./command-config.ts";
import { expansionProblems } from "./command-stream-checks.ts";
import { placeholderProblems } from "./command-template-checks.ts";

/** What is wrong with a command producer beyond the types, at most one problem for each place. */
export function commandProblems(config: CommandConfig): ConfigProblem[] {
  const problems = [...hostProblems(config), ...placeholderProblems(config)];
  return firstOfEachPlace(problems.length > 0 ? problems : expansionProblems(config));
}

function hostProblems({ hosts }: CommandConfig): ConfigProblem[] {
  return hosts.flatMap(({ name, vars }, index) => {
    const problems: ConfigProblem[] = [];
    const first = hosts.findIndex((other) => other.name === name);
    if (first < index) {
      problems.push({ path: ["hosts", index], message: `duplicate host ${quote(name)}` });
    }
    for (const reserved of ["host", "set"].filter((variable) => Object.hasOwn(vars, variable))) {
      const message = `{${reserved}} has a meaning of its own; allowed: another name`;
      problems.push({ path: ["hosts", index, "vars", reserved], message });
    }
    return problems;
  });
}

/** Most mistakes in a template are the same on every host. */
function firstOfEachPlace(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const places = new Map<string, ConfigProblem>();
  for (const problem of problems) {
    const place = formatPath(problem.path);
    if (!places.has(place)) places.set(place, problem);
  }
  return [...places.values()];
}
