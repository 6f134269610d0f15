/** What yargs says about a wrong command line, in the words of our errors. */
export const USAGE_WORDS: Readonly<Record<string, string | Plural>> = {
  "Not enough non-option arguments: got %s, need at least %s": same(
    "%s arguments are not enough, there must be %s",
  ),
  "Too many non-option arguments: got %s, maximum of %s": same(
    "%s arguments are too many, there may be %s",
  ),
  "Missing required argument: %s": { one: "%s is missing", other: "these are missing: %s" },
  "Missing argument value: %s": same("%s needs a value"),
  "Not enough arguments following: %s": "%s needs a value",
  "Unknown argument: %s": { one: "%s is not understood", other: "%s are not understood" },
  "Invalid values:": "wrong value:",
  "Argument: %s, Given: %s, Choices: %s": "--%s is %s; allowed: %s",
  "Did you mean %s?": "unknown command; did you mean %s?",
};

interface Plural {
  readonly one: string;
  readonly other: string;
}

function same(text: string): Plural {
  return { one: text, other: text };
}

/** Where to read on: the help of the command that was named, or of the program. */
export function usageHint(args: readonly string[], commands: readonly string[]): string {
  const [first = ""] = args;
  return `see: penstock ${commands.includes(first) ? `${first} ` : ""}--help`;
}
