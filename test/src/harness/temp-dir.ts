import { chmod, mkdtemp, realpath, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A new folder that any user may enter, removed with all that is in it when disposed of. */
export class TempDir implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(prefix = "penstock-"): Promise<TempDir> {
    const path = await mkdtemp(join(await openTmpdir(), prefix));
    await chmod(path, 0o755); // mkdtemp makes it 0700; database servers run as another user
    return new TempDir(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** True if every user may pass through all folders down to `path` and read what is there. */
export async function isOpenToAll(path: string): Promise<boolean> {
  if (((await stat(path)).mode & 0o005) !== 0o005) return false;
  for (let folder = dirname(path); folder !== "/"; folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) return false;
  }
  return true;
}

/** The system's folder for temporary files, or the usual one if that is private to us. */
async function openTmpdir(): Promise<string> {
  const own = await realpath(tmpdir());
  return (await isOpenToAll(own)) ? own : "/tmp";
}
