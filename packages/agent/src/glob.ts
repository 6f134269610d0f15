const MAGIC = /[*?[\\]/;

/** True if a part of a path has characters with a meaning in patterns. */
export function isMagic(segment: string): boolean {
  return MAGIC.test(segment);
}

/**
 * The matcher of one part of a path, as in a shell: `*` any characters, `?` one, `[a-z]` one of
 * these, `[!a-z]` one of the others, `\` the next character itself. A leading dot is matched only
 * by a dot. A `[` without its `]` is itself. Throws SyntaxError for a set like `[z-a]`.
 */
export function segmentMatcher(segment: string): RegExp {
  const hidden = segment.startsWith(".") || segment.startsWith("\\.") ? "" : "(?!\\.)";
  const body = segment.replace(TOKEN, (token) => toRegExp(token));
  return new RegExp(`^${hidden}${body}$`, "su");
}

/** A set, an escaped character, or any character. */
const TOKEN = /\[[!^]?\]?[^\]]*\]|\\?./gsu;

function toRegExp(token: string): string {
  if (token === "*") return ".*";
  if (token === "?") return ".";
  if (token.length > 2 && token.startsWith("[")) return toSet(token.slice(1, -1));
  return literal(token.length > 1 && token.startsWith("\\") ? token.slice(1) : token);
}

function toSet(members: string): string {
  const negated = /^[!^]/.test(members);
  const escaped = members.slice(negated ? 1 : 0).replace(/[\\\][^]/g, "\\$&");
  return `[${negated ? "^" : ""}${escaped}]`;
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
