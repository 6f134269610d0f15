import { execFile } from "node:child_process";
import {
  appendFile,
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rm,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

/** One call of the plugin. */
export interface PluginCall {
  readonly command: string;
  /** The command and its arguments. */
  readonly argv: readonly string[];
  readonly cwd: string;
  /** Names of the variables that it had. */
  readonly env: readonly string[];
  /** What its standard input is. */
  readonly stdin: string;
  /** Undefined while it runs, or if a signal ended it. */
  readonly status: number | undefined;
}

/** More than ever wait at a time. */
const MANY_CALLS = 1000;

/** A storage plugin that keeps everything in a folder, writes down its calls, and fails as it is told. */
export class RecordingPlugin {
  /** For `executablepath`. */
  readonly path: string;
  readonly #dir: string;
  #gate: FileHandle | undefined;

  private constructor(dir: string) {
    this.#dir = dir;
    this.path = join(dir, "recplugin");
  }

  static async create(dir: string): Promise<RecordingPlugin> {
    for (const folder of ["calls", "store"]) await mkdir(join(dir, folder), { recursive: true });
    const plugin = new RecordingPlugin(dir);
    await promisify(execFile)("mkfifo", [join(dir, "gate")]);
    await writeFile(plugin.path, SCRIPT.replace("@DIR@", dir), { mode: 0o755 });
    return plugin;
  }

  /** Writes a configuration that names this plugin. */
  async writeConfig(path: string, options: Readonly<Record<string, string>> = {}): Promise<string> {
    const lines = Object.entries({ folder: "demo", ...options }).map(([k, v]) => `  ${k}: "${v}"`);
    await writeFile(path, `executablepath: ${this.path}\noptions:\n${lines.join("\n")}\n`);
    return path;
  }

  /** From now on runs lines of bash before such calls; `match` is a part of their arguments. */
  async before(command: string, match: string, script: string): Promise<void> {
    const condition = `[[ "$1" == ${command} && "$*" == *${match}* ]]`;
    await appendFile(join(this.#dir, "faults.sh"), `if ${condition}; then\n${script}\nfi\n`);
  }

  /** From now on such calls wait when they have taken or given that many bytes, until `release`. */
  async hold(command: "backup_data" | "restore_data", match: string, bytes: number): Promise<void> {
    const gate = 'read -r _ < "$dir/gate"';
    const take = `head -c ${bytes} > "$object"; ${gate}; cat >> "$object"; exit`;
    const give = `head -c ${bytes} "$object"; ${gate}; tail -c +${bytes + 1} "$object"; exit`;
    await this.before(command, match, command === "backup_data" ? take : give);
  }

  /** Lets calls go on that wait, now or later. */
  async release(): Promise<void> {
    this.#gate ??= await open(join(this.#dir, "gate"), "r+"); // for reading, too: nobody need wait yet
    await this.#gate.write("\n".repeat(MANY_CALLS));
  }

  /** Forgets all calls, faults and holds; what is stored stays. */
  async reset(): Promise<void> {
    await this.#gate?.close();
    this.#gate = undefined;
    await rm(join(this.#dir, "faults.sh"), { force: true });
    // A call that is just being killed may still write.
    await rm(join(this.#dir, "calls"), { recursive: true, maxRetries: 10 });
    await mkdir(join(this.#dir, "calls"));
  }

  /** All calls so far in the order of their beginnings. */
  async calls(): Promise<PluginCall[]> {
    const names = await readdir(join(this.#dir, "calls"));
    const starts = names.filter((name) => name.endsWith(".call")).sort();
    return await Promise.all(starts.map((name) => this.#readCall(name.slice(0, -".call".length))));
  }

  /** Names of what is stored, sorted. */
  async stored(): Promise<string[]> {
    return (await readdir(join(this.#dir, "store"))).sort();
  }

  /** Where something is stored under that name. */
  storedPath(name: string): string {
    return join(this.#dir, "store", name);
  }

  async #readCall(name: string): Promise<PluginCall> {
    const read = async (kind: string): Promise<string> =>
      await readFile(join(this.#dir, "calls", `${name}.${kind}`), "utf8").catch(() => "");
    const [cwd = "", stdin = "", env = "", ...argv] = (await read("call")).split("\0").slice(0, -1);
    const status = (await read("status")).trim();
    return {
      command: argv[0] ?? "",
      argv,
      cwd,
      env: env.trim().split("\n"),
      stdin,
      status: status === "" ? undefined : Number(status),
    };
  }
}

const SCRIPT = `#!/bin/bash
dir='@DIR@'
record="$dir/calls/$(date +%s%N)_$$"
printf '%s\\0' "$PWD" "$(readlink /proc/$$/fd/0)" "$(compgen -e)" "$@" > "$record.tmp"
mv "$record.tmp" "$record.call"
trap 'echo $? > "$record.status"' EXIT
object="$dir/store/\${3##*/}"
[ -f "$dir/faults.sh" ] && . "$dir/faults.sh"
case "$1" in
  plugin_api_version) echo 0.5.0 ;;
  --version) echo recplugin version 1.0.0 ;;
  setup_plugin_for_*|cleanup_plugin_for_*) ;;
  backup_file) cp "$3" "$object" ;;
  restore_file) cp "$object" "$3" ;;
  backup_data) cat > "$object" ;;
  restore_data) cat "$object" ;;
  restore_data_subset)
    read -r -a offsets < "$4"
    for ((i = 1; i < \${#offsets[@]}; i += 2)); do
      tail -c +$((offsets[i] + 1)) "$object" | head -c $((offsets[i + 1] - offsets[i]))
    done ;;
  *) echo "unknown command $1" >&2; exit 1 ;;
esac
`;
