import pg from "pg";

/** The options of every client that say what to connect to; for `parseArgs`. */
export const CONNECTION_OPTIONS = {
  host: { type: "string", short: "h" },
  port: { type: "string", short: "p" },
  username: { type: "string", short: "U" },
  dbname: { type: "string", short: "d" },
} as const;

/** What they were given. The environment has the rest, as it has for libpq. */
export interface ConnectionValues {
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly username?: string | undefined;
  readonly dbname?: string | undefined;
}

/** Connects over TCP. The caller ends the connection; one that is lost shows in the next query. */
export async function connect(
  { host, port, username, dbname }: ConnectionValues,
  notice: (error: pg.DatabaseError) => void = () => {},
): Promise<pg.Client> {
  const { PGHOSTADDR } = process.env; // unknown to `pg`; it overrules every name
  const address = PGHOSTADDR ?? host;
  const client = new pg.Client({
    ...(address === undefined ? {} : { host: address }),
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(username === undefined ? {} : { user: username }),
    ...(dbname === undefined ? {} : { database: dbname }),
  });
  client.on("error", () => {});
  client.on("notice", (message) => notice(message as unknown as pg.DatabaseError));
  await client.connect();
  return client;
}
