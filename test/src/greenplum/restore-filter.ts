const SECTION = /^-- (?:Data for )?Name: (.*); Type: ([A-Z ]+); Schema: (.*); Owner: /;

/** The lines of a dump that are about the listed tables, `schema.table`, or about none. */
export async function* listedStatements(
  lines: AsyncIterable<string>,
  tables: readonly string[],
): AsyncGenerator<string, void, undefined> {
  let passes = true;
  for await (const line of lines) {
    const [, name = "", type = "", schema = ""] = SECTION.exec(line) ?? [];
    if (type !== "") passes = isListed(name, type, schema, tables);
    else if (/^-- Greenplum Database database dump/.test(line)) passes = true;
    if (passes) yield line;
  }
}

/** Of constraints the name begins with the table's; of indexes it is asked for by its schema alone. */
function isListed(name: string, type: string, schema: string, tables: readonly string[]): boolean {
  if (type === "TABLE" || type === "TABLE DATA") return tables.includes(`${schema}.${name}`);
  if (type.endsWith("CONSTRAINT")) {
    const [table] = name.split(" ");
    return tables.includes(`${schema}.${table}`);
  }
  if (type === "INDEX")
    return tables.some(
      (table) => table.startsWith(`${schema}.`) && name.startsWith(table.slice(schema.length + 1)),
    );
  return false;
}
