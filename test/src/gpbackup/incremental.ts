import { type BackupConfig, type RestorePlanEntry, readHistory } from "./backup-config.ts";
import { fullName, modCount, type Table } from "./catalogue.ts";
import { connect } from "./copy-on-segments.ts";
import { coordinatorFile } from "./files.ts";
import type { BackupOptions } from "./options.ts";
import type { ClusterState } from "./state.ts";
import { type AppendOptimizedEntry, readYaml, type Toc } from "./toc.ts";

type AppendOptimized = Readonly<Record<string, AppendOptimizedEntry>>;

/** Which tables' rows a backup takes itself, and where those of the others are. */
export interface DataPlan {
  readonly tables: readonly Table[];
  readonly restorePlan: readonly RestorePlanEntry[];
  readonly appendOptimized: AppendOptimized;
}

/** An incremental backup leaves out append-optimized tables that are as they were in its base. */
export async function planData(
  state: ClusterState,
  options: BackupOptions,
  timestamp: string,
  tables: readonly Table[],
): Promise<DataPlan> {
  const appendOptimized = await readAppendOptimized(state, options.database, tables);
  const own = { timestamp, tablefqns: tables.map(fullName) };
  if (!options.incremental) return { tables, restorePlan: [own], appendOptimized };
  const base = await findBase(state, options);
  const file = coordinatorFile(state.coordinator, base.timestamp, "toc.yaml");
  const before = (await readYaml<Toc>(file)).incrementalmetadata.ao;
  const changed = tables.filter(
    (table) =>
      !table.appendOptimized ||
      appendOptimized[fullName(table)]?.modcount !== before[fullName(table)]?.modcount,
  );
  const taken = new Set(changed.map(fullName));
  const older = base.restoreplan.map((entry) => ({
    ...entry,
    tablefqns: entry.tablefqns.filter((name) => !taken.has(name) && own.tablefqns.includes(name)),
  }));
  const newest = { timestamp, tablefqns: [...taken] };
  return { tables: changed, restorePlan: [...older, newest], appendOptimized };
}

/** The newest good backup of this database that was made in the same way. */
async function findBase(state: ClusterState, options: BackupOptions): Promise<BackupConfig> {
  const base = (await readHistory(state)).findLast(
    (config) =>
      config.status === "Success" &&
      config.databasename === options.database &&
      config.leafpartitiondata &&
      config.singledatafile === options.singleDataFile &&
      config.compressed === options.compressed,
  );
  if (base) return base;
  throw new Error(
    "There was no matching previous backup found with the flags provided. Please take a full backup.",
  );
}

async function readAppendOptimized(
  { segments }: ClusterState,
  database: string,
  tables: readonly Table[],
): Promise<AppendOptimized> {
  const found = new Map<string, AppendOptimizedEntry>();
  for (const segment of segments) {
    const client = await connect(segment, database);
    for (const table of tables.filter(({ appendOptimized }) => appendOptimized)) {
      const before = found.get(fullName(table))?.modcount ?? 0;
      const modcount = before + Number(await modCount(client, table));
      found.set(fullName(table), { modcount, lastddltimestamp: "" });
    }
    await client.end();
  }
  return Object.fromEntries(found);
}
