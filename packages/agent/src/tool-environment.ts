import { userInfo } from "node:os";

/** What a tool inherits from the agent; everything else it gets by name. */
const INHERITED = /^(?:PATH|HOME|USER|LOGNAME|LANG|LC_[A-Z]+|TZ)$/;
const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

/**
 * The environment of a tool: a small base, so that nothing of the agent's own (secrets, settings of
 * its runtime) reaches it, and what was given for it, which wins.
 */
export function toolEnvironment(
  given: Readonly<Record<string, string>>,
  own: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const inherited = Object.entries(own).filter(
    (entry): entry is [string, string] => INHERITED.test(entry[0]) && entry[1] !== undefined,
  );
  // Dump tools of databases want to know whose they are, and a service may have no such variable.
  const { USER: LOGNAME = userInfo().username } = own;
  const base = { PATH: DEFAULT_PATH, LOGNAME };
  return { ...base, ...Object.fromEntries(inherited), ...given };
}
