import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  visit,
  type YAMLMap,
} from "yaml";
import { quote } from "./wording.ts";

/** A problem at an offset of the text. */
export interface TextProblem {
  readonly offset: number;
  readonly text: string;
}

const MOST_ALIASES = 100;

/**
 * What the YAML grammar allows and a configuration does not: duplicate keys, keys that are not plain
 * text, aliases to nothing, very many aliases. One pass, whose time grows with the size only.
 */
export function structureProblems(document: Document.Parsed): TextProblem[] {
  const problems: TextProblem[] = [];
  const anchors = new Set<string>();
  let aliases = 0;
  visit(document, {
    Node: (_, node) => {
      if (isAlias(node)) problems.push(...aliasProblems(node, anchors, ++aliases));
      else if (node.anchor !== undefined) anchors.add(node.anchor);
      if (isMap(node)) problems.push(...keyProblems(node));
    },
  });
  return problems;
}

function aliasProblems(alias: Alias, anchors: ReadonlySet<string>, count: number): TextProblem[] {
  const offset = alias.range?.[0] ?? 0;
  const problems: TextProblem[] = [];
  if (!anchors.has(alias.source))
    problems.push({ offset, text: `unknown alias ${quote(alias.source)}` });
  if (count === MOST_ALIASES + 1) {
    problems.push({ offset, text: `too many aliases; allowed: at most ${MOST_ALIASES}` });
  }
  return problems;
}

function keyProblems(map: YAMLMap): TextProblem[] {
  const seen = new Set<string>();
  return map.items.flatMap(({ key }) => {
    const offset = (isNode(key) ? key.range?.[0] : undefined) ?? map.range?.[0] ?? 0;
    if (!isScalar(key) || key.value === null) {
      return [{ offset, text: "bad key; allowed: plain text" }];
    }
    const name = String(key.value);
    if (name === "__proto__") return [{ offset, text: `bad key ${quote(name)}` }]; // lost on the way
    if (seen.has(name)) return [{ offset, text: `duplicate key ${quote(name)}` }];
    seen.add(name);
    return [];
  });
}
