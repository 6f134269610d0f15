import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { parseIdentity } from "@penstock/common";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const run = promisify(execFile);
const PROGRAM = `
  import yargs from "yargs";
  import { pkiCommand } from ${JSON.stringify(new URL("./pki.ts", import.meta.url).href)};
  await yargs(process.argv.slice(1))
    .option("output", { alias: "o", default: "text" })
    .command(pkiCommand)
    .fail((message, error) => { throw error ?? new Error(message); })
    .parseAsync();
`;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "penstock-cli-pki-"));
});

afterEach(() => rm(folder, { recursive: true }));

/** What the command prints, run in a process of its own. */
async function pki(...args: string[]): Promise<string> {
  const options = ["--conditions=source", "--input-type=module", "--eval", PROGRAM, "--"];
  const { stdout } = await run(process.execPath, [...options, "pki", ...args], {
    cwd: import.meta.dirname,
  });
  return stdout;
}

describe("penstock pki", () => {
  test("makes an authority and a certificate, and says what to do next", async () => {
    const init = await pki("init", "--dir", folder, "--cluster", "warehouse");
    expect(init).toContain(`wrote ${folder}/ca.pem\nwrote ${folder}/ca.key\n`);
    expect(init).toContain("next: penstock pki issue");

    const names = ["--role", "agent", "--name", "sdw1", "--address", "10.0.0.1", "sdw1.example"];
    const issue = await pki("issue", "--dir", folder, ...names, "--days", "30");
    expect(issue).toContain(`wrote ${folder}/sdw1.pem\nwrote ${folder}/sdw1.key\nnext: copy `);

    const certificate = new X509Certificate(await readFile(join(folder, "sdw1.pem")));
    expect(parseIdentity(certificate).role).toBe("agent");
    expect(certificate.subjectAltName).toBe(
      "URI:penstock://warehouse/agent/sdw1, DNS:sdw1, IP Address:10.0.0.1, DNS:sdw1.example",
    );
    const days = (certificate.validToDate.getTime() - Date.now()) / 86_400_000;
    expect(Math.ceil(days)).toBe(30);
  });

  test("prints the files as JSON if asked to", async () => {
    const printed = await pki("init", "--dir", folder, "--cluster", "warehouse", "-o", "json");
    expect(JSON.parse(printed)).toEqual({ files: [`${folder}/ca.pem`, `${folder}/ca.key`] });
  });

  test("knows only the roles there are", async () => {
    const issue = pki("issue", "--dir", folder, "--role", "admin", "--name", "x");
    await expect(issue).rejects.toThrow(/"agent", "controller", "mover"/);
  });
});
