/**
 * Messages about a configuration have one form: what is wrong, and then, where it helps,
 * `; allowed: ` and what would be right. Code that knows the place puts it between the two.
 */
const ALLOWED = "; allowed: ";
const LONGEST_QUOTE = 200;
const LONGEST_WORD = 60;
const LONGEST_LIST = 20;

/** A value as it stands in a message: escaped, and cut if it is long. */
export function quote(value: string | number): string {
  const text = String(value);
  const shown = text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text;
  return typeof value === "number" ? shown : JSON.stringify(shown);
}

/** Names for a message; of very many only the first ones. */
export function listNames(names: readonly string[]): string {
  if (names.length === 0) return "none is defined";
  const rest = names.length - LONGEST_LIST;
  const shown = names.slice(0, LONGEST_LIST).join(", ");
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}

/** The message for a name that is none of `allowed`, with the nearest of them if one is near. */
export function unknownName(what: string, given: string, allowed: readonly string[]): string {
  return `unknown ${what} ${quote(given)}${didYouMean(given, allowed)}${ALLOWED}${listNames(allowed)}`;
}

/** ` (did you mean "zstd"?)`, or nothing if no name is near. */
export function didYouMean(given: string, allowed: readonly string[]): string {
  const limit = Math.max(1, Math.floor(given.length / 3));
  const [nearest] = allowed
    .filter((name) => Math.abs(name.length - given.length) <= limit)
    .map((name) => ({ name, distance: distance(given.toLowerCase(), name.toLowerCase()) }))
    .filter((other) => other.distance <= limit)
    .sort((a, b) => a.distance - b.distance);
  return nearest === undefined ? "" : ` (did you mean ${quote(nearest.name)}?)`;
}

/** Puts `at PLACE` behind what is wrong and before what is allowed. */
export function withPlace(message: string, place: string): string {
  const end = message.lastIndexOf(ALLOWED); // what is allowed never holds this text itself
  if (end < 0) return `${message} at ${place}`;
  return `${message.slice(0, end)} at ${place}${message.slice(end)}`;
}

/** The same message with something else wrong. */
export function withWrong(message: string, wrong: string): string {
  const end = message.lastIndexOf(ALLOWED);
  return end < 0 ? wrong : `${wrong}${message.slice(end)}`;
}

/** `plans.nightly.streams[0].path`; keys that are not plain words are quoted. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    const name = String(key);
    if (!/^[A-Za-z0-9_-]{1,60}$/.test(name)) return `${text}[${quote(name)}]`;
    return text === "" ? name : `${text}.${name}`;
  }, "");
}

/** Letters to insert, remove, replace or swap; of long words only their beginnings count. */
function distance(from: string, to: string): number {
  const a = from.slice(0, LONGEST_WORD);
  const b = to.slice(0, LONGEST_WORD);
  const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? at(i - 2, j - 2) + 1 : replaced;
      row.push(Math.min(replaced, swapped, at(i - 1, j) + 1, at(i, j - 1) + 1));
    }
  }
  return at(a.length, b.length);
}
