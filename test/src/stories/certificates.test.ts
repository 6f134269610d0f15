import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type CertificatePair,
  createAuthority,
  createGrpcServer,
  type Role,
  signCertificate,
  type Validity,
} from "@penstock/common";
import { beforeEach, describe, test } from "vitest";
import { CLUSTER_NAME } from "../harness/cluster.ts";
import { runProgram } from "../harness/programs.ts";
import { copyPlan } from "./shell-plan.ts";
import { expectFailure, openStage } from "./stage.ts";

const stage = openStage({ hosts: ["sdw1"] });

const LONG_AGO: Validity = { from: new Date("2020-01-01T00:00:00Z"), days: 1 };
const EXPIRED = "has expired on 2020-01-02T00:00:00Z";
const FAR_AHEAD: Validity = { from: new Date(Date.now() + 86_400_000), days: 30 };
const TOO_EARLY = /is not valid before \d{4}-\d\d-\d\dT/;

/** Makes a certificate and says what is to be done with it. */
type Issue = () => Promise<Partial<CertificatePair> & { readonly ca?: string }>;

const pki = (name: string): string => join(stage.dir, "pki", name);

async function ownAuthority(): Promise<CertificatePair> {
  return {
    cert: await readFile(pki("ca.pem"), "utf8"),
    key: await readFile(pki("ca.key"), "utf8"),
  };
}

const issue =
  (role: Role, validity: Validity = {}, addresses = ["127.0.0.1"]): Issue =>
  async () =>
    await signCertificate(await ownAuthority(), { role, name: "other", addresses }, validity);

/** By an authority of the same name; with `ca` its holder also trusts nobody else. */
const issueAsStranger =
  (role: Role, withCa: boolean, cluster = CLUSTER_NAME): Issue =>
  async () => {
    const authority = await createAuthority(cluster);
    const pair = await signCertificate(authority, {
      role,
      name: "other",
      addresses: ["127.0.0.1"],
    });
    return withCa ? { ...pair, ca: authority.cert } : pair;
  };

/** Writes what is given to files of its own; the rest are those of `name`. */
async function place(
  name: string,
  { ca, cert, key }: Awaited<ReturnType<Issue>>,
): Promise<Record<"ca" | "cert" | "key", string>> {
  const put = async (file: string, text: string | undefined, usual: string): Promise<string> => {
    if (text === undefined) return pki(usual);
    await writeFile(pki(file), text, { mode: 0o600 });
    return pki(file);
  };
  return {
    ca: await put("other-ca.pem", ca, "ca.pem"),
    cert: await put("other.pem", cert, `${name}.pem`),
    key: await put("other.key", key, `${name}.key`),
  };
}

/** The text of a configuration with other TLS files. */
function withTls(text: string, tls: Record<"ca" | "cert" | "key", string>): string {
  const lines = Object.entries(tls).map(([name, file]) => `  ${name}: ${file}\n`);
  return text.replace(/^tls:\n( .*\n)+/m, `tls:\n${lines.join("")}`);
}

beforeEach(async () => {
  await stage.put("sdw1", "in", "rows\n");
  await stage.cluster.configure({ plans: { nightly: copyPlan(stage, ["sdw1"]) } });
});

/** Exchanges the controller's files. */
async function disguise(files: Awaited<ReturnType<Issue>>): Promise<void> {
  const text = await readFile(stage.cluster.configFile, "utf8");
  await writeFile(stage.cluster.configFile, withTls(text, await place("controller", files)));
}

const OWN_FILES = [
  ["has expired", (role: Role) => issue(role, LONG_AGO), ["other.pem", EXPIRED, "hint: "]],
  ["is not valid yet", (role: Role) => issue(role, FAR_AHEAD), ["other.pem", TOO_EARLY, "clock"]],
  [
    "is of another CA",
    (role: Role) => issueAsStranger(role, false),
    ["other.pem", "another CA", "ca.pem"],
  ],
  [
    "is of another cluster",
    (role: Role) => issueAsStranger(role, true, "lakehouse"),
    ["cluster lakehouse", CLUSTER_NAME],
  ],
  [
    "is of another role",
    (role: Role) => issue(role === "agent" ? "controller" : "agent"),
    ["other.pem", "is needed"],
  ],
  [
    "does not belong to its key",
    (role: Role) => async () => ({ cert: (await issue(role)()).cert ?? "" }),
    [".key is not the key of", "other.pem"],
  ],
  ["is none", () => async () => ({ cert: "nothing\n" }), ["other.pem is not a certificate"]],
] as const;

describe("a controller does not start a run when its own certificate", () => {
  test.for(OWN_FILES)("%s", async ([, make, words]) => {
    await disguise(await make("controller")());
    await stage.fails(2, words, "backup", "nightly");
  });
});

describe("an agent does not start when its own certificate", () => {
  test.for(OWN_FILES)("%s", async ([, make, words]) => {
    const text = await readFile(stage.cluster.host("sdw1").configFile, "utf8");
    const file = join(stage.dir, "other-agent.yaml");
    const tls = await place("sdw1", await make("agent")());
    await writeFile(file, withTls(text, tls).replace(/listen: .*/, "listen: 127.0.0.1:0"));
    const args = ["run", "--config", file];
    expectFailure(await runProgram("penstock-agent", args, {}, stage.signal), 2, words);
  });
});

describe("a controller does not talk to an agent whose certificate", () => {
  test.for([
    ["has expired", issue("agent", LONG_AGO), [EXPIRED, "hint: "]],
    ["is not valid yet", issue("agent", FAR_AHEAD), [TOO_EARLY, "clocks of both hosts"]],
    [
      "is of another CA",
      issueAsStranger("agent", true),
      ["was issued by another CA", "same ca.pem"],
    ],
    ["is of another role", issue("controller"), ["role controller, agent is needed"]],
    [
      "is for another host",
      issue("agent", {}, ["192.0.2.1"]),
      ["192.0.2.1, not for 127.0.0.1", "--address"],
    ],
  ] as const)("%s", async ([, make, words]) => {
    const { cert = "", key = "", ca = (await ownAuthority()).cert } = await make();
    const buffers = { ca: Buffer.from(ca), cert: Buffer.from(cert), key: Buffer.from(key) };
    const identity = { cluster: CLUSTER_NAME, role: "agent", name: "sdw1" } as const;
    await using server = createGrpcServer({ ...buffers, identity }, { onRefused() {} });
    const address = `127.0.0.1:${await server.bind("127.0.0.1:0")}`;
    const text = await readFile(stage.cluster.configFile, "utf8");
    const { address: usual } = stage.cluster.host("sdw1");
    await writeFile(stage.cluster.configFile, text.replace(usual, address));
    await stage.fails(6, [`agent sdw1 (${address})`, ...words], "backup", "nightly");
  });
});

test("an agent turns a controller of another CA away, and both say why", async () => {
  const stranger = await issueAsStranger("controller", true)();
  // It trusts the agent; it is the agent that does not trust it.
  await disguise({ ...stranger, ca: `${stranger.ca}${(await ownAuthority()).cert}` });
  const words = ["agent sdw1", "it refused our certificate", "its log says why"];
  await stage.fails(6, words, "backup", "nightly");
  const { stdout: log } = stage.cluster.host("sdw1").child;
  await log.waitFor(/controller other: its certificate was issued by another CA/, stage.signal);
});
