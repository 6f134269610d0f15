import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { failed } from "./dump-options.ts";

/** Throws unless the key is a date and a time, as Python words it. */
export function assertIsTime(key: string): void {
  if (!/^\d{14}$/.test(key)) throw failed(`Invalid timestamp key provided ${key}.`);
  const parts = [4, 6, 8, 10, 12].map((from) => Number(key.slice(from, from + 2)));
  const [month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts;
  if (month < 1 || month > 12) throw failed("month must be in 1..12");
  const last = new Date(Date.UTC(Number(key.slice(0, 4)), month, 0)).getUTCDate();
  if (day < 1 || day > last) throw failed("day is out of range for month");
  if (hour > 23) throw failed("hour must be in 0..23");
  if (minute > 59) throw failed("minute must be in 0..59");
  if (second > 59) throw failed("second must be in 0..59");
}

/** Throws unless the key comes after every report in the newest folder of dumps. */
export async function assertIsNewest(root: string, prefix: string, key: string): Promise<void> {
  const dumps = join(root, "db_dumps");
  const folders = await namesIn(dumps);
  const newest = folders.filter((name) => /^\d{8}$/.test(name)).sort();
  const last = newest.at(-1);
  if (last === undefined) return;
  const report = new RegExp(`^${prefix}gp_dump_(\\d{14})\\.rpt$`);
  const keys = (await namesIn(join(dumps, last))).map((name) => report.exec(name)?.[1] ?? "");
  if (keys.some((other) => other >= key)) {
    throw failed("There is a future dated backup on the system preventing new backups");
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => []);
}
