import { readFileSync } from "node:fs";

const packageJson: { version: string } = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
);

/** The controller's version. */
export const VERSION: string = packageJson.version;
