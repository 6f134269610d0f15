import { readProc } from "./processes.ts";

/** File systems that other hosts or programs serve: when those are dead, looking at a file waits for ever. */
const REMOTE = /^(nfs|cifs|smb|fuse|autofs|ceph|gluster|lustre|gpfs|beegfs|afs|9p|ocfs|gfs)/;

interface Mount {
  /** Ends in a slash. */
  readonly point: string;
  readonly isRemote: boolean;
}

/**
 * Tells of absolute paths whether they lie on a file system that may not answer. Asks no file system:
 * `mounts` is what /proc/self/mountinfo says, see proc_pid_mountinfo(5).
 */
export function remotePaths(
  mounts: string = readProc("self/mountinfo") ?? "",
): (path: string) => boolean {
  // The deepest first, and of two at one place the upper one, which is listed later.
  const all = mounts.split("\n").flatMap(toMount).reverse();
  const sorted = all.toSorted((one, other) => other.point.length - one.point.length);
  return (path) => sorted.find(({ point }) => `${path}/`.startsWith(point))?.isRemote === true;
}

function toMount(line: string): Mount[] {
  const [place, source] = line.split(" - ");
  const point = place?.split(" ")[4];
  const kind = source?.split(" ")[0];
  if (point === undefined || kind === undefined) return [];
  const path = unescaped(point);
  return [{ point: path.endsWith("/") ? path : `${path}/`, isRemote: REMOTE.test(kind) }];
}

function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
