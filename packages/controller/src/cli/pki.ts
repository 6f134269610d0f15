import { join } from "node:path";
import { ROLES, type Role } from "@penstock/common";
import type { Argv, CommandModule } from "yargs";
import { initAuthority, issueCertificate } from "../pki/authority.ts";

/** `--output`, which every command has. */
interface Output {
  readonly output?: string;
}

interface Init extends Output {
  readonly dir: string;
  readonly cluster: string;
  readonly days: number | undefined;
}

interface Issue extends Output {
  readonly dir: string;
  readonly role: Role;
  readonly name: string;
  readonly address: string[];
  readonly days: number | undefined;
}

const initCommand: CommandModule<object, Init> = {
  command: "init",
  describe: "make a cluster's certificate authority: ca.pem and ca.key",
  builder: (yargs) =>
    withCommon(yargs).option("cluster", {
      type: "string",
      demandOption: true,
      describe: "its name",
    }),
  async handler({ dir, cluster, days, output }) {
    const files = await initAuthority(dir, cluster, toValidity(days));
    print(output, files, [
      `keep ${join(dir, "ca.key")} secret: whoever has it can pass for any host of ${cluster}`,
      `next: penstock pki issue --dir ${dir} --role agent --name HOST --address HOST`,
    ]);
  },
};

const issueCommand: CommandModule<object, Issue> = {
  command: "issue",
  describe: "make a certificate for one agent, controller or mover: NAME.pem and NAME.key",
  builder: (yargs) =>
    withCommon(yargs)
      .option("role", { choices: ROLES, demandOption: true, describe: "what its holder may be" })
      .option("name", { type: "string", demandOption: true, describe: "the holder's name" })
      .option("address", {
        type: "string",
        array: true,
        default: [],
        describe: "host names and IP addresses by which it is reached, beside its name",
      }),
  async handler({ dir, role, name, address, days, output }) {
    const request = { role, name, addresses: address };
    const files = await issueCertificate(dir, request, toValidity(days));
    print(output, files, [
      `next: copy ${[join(dir, "ca.pem"), ...files].join(", ")} to ${name}`,
      "      and name them under `tls` in its configuration",
    ]);
  },
};

/** `penstock pki`: the cluster's private certificates. */
export const pkiCommand: CommandModule = {
  command: "pki",
  describe: "make the certificates that agents and controllers know each other by",
  builder: (yargs) => yargs.command(initCommand).command(issueCommand).demandCommand(1),
  handler() {},
};

function withCommon(yargs: Argv<object>): Argv<{ dir: string; days: number | undefined }> {
  return yargs
    .option("dir", { type: "string", demandOption: true, describe: "the authority's folder" })
    .option("days", { type: "number", describe: "how long it is valid" });
}

function toValidity(days: number | undefined): { days?: number } {
  return days === undefined ? {} : { days };
}

function print(output: string | undefined, files: readonly string[], advice: string[]): void {
  if (output === "json") process.stdout.write(`${JSON.stringify({ files })}\n`);
  else process.stdout.write([...files.map((file) => `wrote ${file}`), ...advice, ""].join("\n"));
}
