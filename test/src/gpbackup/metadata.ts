import { fullName, type Table } from "./catalogue.ts";
import type { DataEntry, TocEntry } from "./toc.ts";

/** A file of statements and where each of them is. */
export interface Metadata {
  readonly text: string;
  readonly globalentries: readonly TocEntry[];
  readonly predataentries: readonly TocEntry[];
  readonly postdataentries: readonly TocEntry[];
}

/** What `metadata.sql` has: globals, then schemas and tables, then constraints and indexes. */
export function toMetadata(database: string, tables: readonly Table[]): Metadata {
  const writer = new StatementWriter();
  const globalentries = [
    writer.add("SET client_encoding = 'UTF8';", { objecttype: "SESSION GUCS" }),
    writer.add(`CREATE DATABASE ${database} TEMPLATE template0;`, {
      name: database,
      objecttype: "DATABASE",
    }),
  ];
  const schemas = new Set(tables.map(({ schema }) => schema));
  schemas.delete("public");
  const predataentries = [
    ...[...schemas].map((schema) =>
      writer.add(`CREATE SCHEMA ${schema};`, { schema, name: schema, objecttype: "SCHEMA" }),
    ),
    ...tables.flatMap((table, index) => tableEntries(writer, table, [1, index + 1])),
  ];
  const postdataentries = tables.flatMap((table) =>
    table.after.map(({ kind, sql }) => {
      const { schema, name } = table;
      return writer.add(sql, { schema, name, objecttype: kind, referenceobject: fullName(table) });
    }),
  );
  return { text: writer.text, globalentries, predataentries, postdataentries };
}

/** What `statistics.sql` has. */
export function toStatistics(tables: readonly Table[]): {
  readonly text: string;
  readonly entries: readonly TocEntry[];
} {
  const writer = new StatementWriter();
  const entries = tables.map((table) => {
    const { schema, name } = table;
    const sql = `ANALYZE ${fullName(table)};`;
    return writer.add(sql, { schema, name, objecttype: "STATISTICS", tier: [0, 0] });
  });
  return { text: writer.text, entries };
}

/** What `toc.yaml` says of a table whose rows are in the backup. */
export function toDataEntry(table: Table, rowscopied: number): DataEntry {
  const { oid, schema, name, columns } = table;
  const attributestring = `(${columns.map((column) => column.name).join(",")})`;
  const rest = { partitionroot: "", isreplicated: false, distbyenum: false };
  return { schema, name, oid, attributestring, rowscopied, ...rest };
}

/** The statement of an entry. */
export function statementOf(text: Buffer, { startbyte, endbyte }: TocEntry): string {
  return text.subarray(startbyte, endbyte).toString();
}

function tableEntries(writer: StatementWriter, table: Table, tier: readonly number[]): TocEntry[] {
  const { schema, name, columns, appendOptimized } = table;
  const lines = columns.map((column) => `\t${column.name} ${column.definition}`).join(",\n");
  const about = { schema, name, objecttype: "TABLE", tier };
  const create = `CREATE TABLE ${fullName(table)} (\n${lines}\n);`;
  const comment = `COMMENT ON TABLE ${fullName(table)} IS 'append-optimized';`;
  return [writer.add(create, about), ...(appendOptimized ? [writer.add(comment, about)] : [])];
}

class StatementWriter {
  text = "";

  add(sql: string, about: Partial<TocEntry> & Pick<TocEntry, "objecttype">): TocEntry {
    const startbyte = Buffer.byteLength(this.text);
    this.text += `\n${sql}\n`;
    const endbyte = Buffer.byteLength(this.text);
    return { ...NOTHING, ...about, startbyte, endbyte };
  }
}

const NOTHING = { schema: "", name: "", referenceobject: "", tier: [] };
