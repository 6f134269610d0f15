import pg from "pg";

/** What psql prints of a server's error or notice. */
export function messageText(error: Error): string {
  if (!(isFromServer(error) || "severity" in error)) return error.message;
  const { severity, message, detail, hint, where } = error as pg.DatabaseError;
  return [
    `${severity}:  ${message}`,
    ...(detail === undefined ? [] : [`DETAIL:  ${detail}`]),
    ...(hint === undefined ? [] : [`HINT:  ${hint}`]),
    ...(where === undefined ? [] : [`CONTEXT:  ${where}`]),
  ].join("\n");
}

/** False if there is no connection any more. */
export function isConnected(error: Error): boolean {
  return isFromServer(error) && (error as pg.DatabaseError).severity !== "FATAL";
}

function isFromServer(error: Error): boolean {
  return error instanceof pg.DatabaseError;
}
