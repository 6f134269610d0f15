import { withServer } from "./catalogue.ts";
import type { DumpSetting } from "./dump-setting.ts";

/** Notes a run in the dumped database itself; the table is made after the first dump. */
export async function noteInHistory(
  setting: DumpSetting,
  dumpStatus: number,
  isGood: boolean,
  endTime: string,
): Promise<void> {
  const { instances, database, log, names, args } = setting;
  const servers = [instances.coordinator, ...instances.current];
  const made = await Promise.all(
    servers.map(({ port }) =>
      withServer(port, database, async (client) => {
        const table = await client.query("select to_regclass('public.gpcrondump_history') as oid");
        if (table.rows[0]?.oid !== null) return false;
        await client.query(HISTORY);
        return true;
      }),
    ),
  );
  const name = `public.gpcrondump_history in ${database} database`;
  if (made.some((isNew) => isNew)) log.info(`Created ${name}`);
  const [first] = instances.current;
  const key = names.key;
  const startTime = [8, 10, 12].map((from) => key.slice(from, from + 2)).join(":");
  await withServer(first?.port ?? instances.coordinator.port, database, async (client) => {
    await client.query(
      "insert into public.gpcrondump_history values (now(),$1,$2,$3,$4,$5,$6,$7)",
      [
        ...[startTime, endTime, args.join(" "), key],
        ...[dumpStatus, isGood ? 0 : 2, isGood ? "COMPLETED" : "FAILED"],
      ],
    );
  });
  log.info(`Inserted dump record into ${name}`);
}

const HISTORY = `
  create table public.gpcrondump_history (
    rec_date timestamp, start_time char(8), end_time char(8), options text, dump_key varchar(20),
    dump_exit_status smallint, script_exit_status smallint, exit_text varchar(10))`;
