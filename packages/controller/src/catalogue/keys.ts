/** Keys of a set on its target; see docs/stored-format.md. All are relative to the target. */
export interface SetKeys {
  /** Ends in "/". */
  readonly folder: string;
  readonly manifest: string;
  readonly failed: string;
  /** Written first: who began the set, and when. */
  readonly started: string;
  /** Name of the work that is under way for this set, for a target's unfinished objects. */
  readonly scope: string;
  stream(name: string, suffix: string): string;
}

/** The keys of one set. */
export function setKeys(cluster: string, set: string): SetKeys {
  const folder = `${cluster}/${set}/`;
  return {
    folder,
    manifest: `${folder}manifest.json`,
    failed: `${folder}failed.json`,
    started: `${folder}started.json`,
    scope: `${cluster}.${set}`,
    stream: (name, suffix) => `${folder}streams/${name}${suffix}`,
  };
}

/** True for what can be a set's name: `YYYYMMDDHHMMSS`, in UTC unless somebody else has named it. */
export function isSetName(name: string): boolean {
  return /^\d{14}$/.test(name);
}

/** The moment that a set's name says, as Unix time, if it is UTC. */
export function setTimeMs(name: string): number {
  const [year, month, day, hour, minute, second] = (/^(....)(..)(..)(..)(..)(..)$/.exec(name) ?? [])
    .slice(1)
    .map(Number);
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
}

/** The set's name for a moment. */
export function toSetName(date: Date): string {
  return date.toISOString().replace(/\D/g, "").slice(0, 14);
}
