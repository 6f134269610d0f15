/** An option that cannot be passed on. */
export interface RefusedOption {
  /** Its place among the options. */
  readonly index: number;
  readonly message: string;
}

const FROM_PLAN = "it is taken from the plan";

/** What Penstock says itself, and what takes the bytes past it; by the option's name. */
const REFUSED: Readonly<Record<"gpbackup" | "gprestore", Readonly<Record<string, string>>>> = {
  gpbackup: {
    dbname: FROM_PLAN,
    "plugin-config": "it is generated",
    "backup-dir": "with it nothing goes through the plugin",
    "single-backup-dir": "with it nothing goes through the plugin",
    "history-migrate": "it makes no backup",
    help: "it makes no backup",
    version: "it makes no backup",
  },
  gprestore: {
    timestamp: "it is that of the set",
    "plugin-config": "it is generated",
    "backup-dir": "with it nothing comes through the plugin",
    help: "it restores nothing",
    version: "it restores nothing",
  },
};

/** Those of these options that the tool must not be given, each with its reason. */
export function refusedOptions(
  tool: "gpbackup" | "gprestore",
  options: readonly string[],
): RefusedOption[] {
  const refused = REFUSED[tool];
  return options.flatMap((option, index) => {
    const [, name = ""] = /^--?([A-Za-z-]+)(?:=.*)?$/s.exec(option) ?? [];
    if (!Object.hasOwn(refused, name)) return [];
    return [{ index, message: `option --${name} cannot be given: ${refused[name]}` }];
  });
}
