const SECRET_ARGUMENT = /^(-{1,2}[\w-]*(?:pass|pwd|secret|token|cred)[\w-]*=).+$/i;

/**
 * An argument of a tool as it may be shown or logged: the value of an option that sounds like a
 * secret, e.g. `--password=x`, is `***`. Secrets do not belong into argument lists at all, where every
 * user of the host can read them; a tool has files or variables for them.
 */
export function showArgument(argument: string): string {
  return argument.replace(SECRET_ARGUMENT, "$1***");
}
