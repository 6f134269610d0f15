import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TlsFiles } from "../config/tls-files.ts";
import { createTestPki, type TestPki } from "./test-pki.ts";
import { readCredentials, type TlsMaterial } from "./tls-material.ts";

const CONTROLLER = { roles: ["controller"], cluster: "warehouse" } as const;

let folder: string;
let pki: TestPki;
let controller: TlsMaterial;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "penstock-tls-"));
  pki = await createTestPki();
  controller = await pki.issue("controller");
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Writes the three files and returns their names. */
function write(material: TlsMaterial): TlsFiles {
  const files = { ca: at("ca.pem"), cert: at("c1.pem"), key: at("c1.key") };
  writeFileSync(files.ca, material.ca);
  writeFileSync(files.cert, material.cert);
  writeFileSync(files.key, material.key);
  return files;
}

function at(name: string): string {
  return join(folder, name);
}

function usage(message: string, hint?: string): object {
  return expect.objectContaining({ code: "usage", message, ...(hint && { hint }) });
}

describe("credentials that fit together", () => {
  test("are read, with the identity in them", () => {
    const material = readCredentials(write(controller), CONTROLLER);
    expect(material).toEqual(controller);
    expect(material.identity).toEqual({
      cluster: "warehouse",
      role: "controller",
      name: "controller1",
    });
  });

  test("may be of any of several roles, and of any cluster if none is asked for", () => {
    const { identity } = readCredentials(write(controller), { roles: ["mover", "controller"] });
    expect(identity.cluster).toBe("warehouse");
  });
});

describe("credentials are refused, naming the file", () => {
  test.each(["ca", "cert", "key"] as const)("if the %s is not there", (name) => {
    const files = { ...write(controller), [name]: at("none.pem") };
    expect(() => readCredentials(files, CONTROLLER)).toThrow(
      usage(`${at("none.pem")} cannot be read: no such file`),
    );
  });

  test.each([
    ["ca", "certificate"],
    ["cert", "certificate"],
    ["key", "private key without a passphrase"],
  ] as const)("if the %s is not PEM", (name, what) => {
    const files = write(controller);
    writeFileSync(files[name], "-----BEGIN NOTHING-----\n");
    expect(() => readCredentials(files, CONTROLLER)).toThrow(
      usage(`${files[name]} is not a ${what} in PEM form`),
    );
  });

  test("if the key needs a passphrase", () => {
    const files = write(controller);
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const form = { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" } as const;
    writeFileSync(files.key, privateKey.export(form));
    expect(() => readCredentials(files, CONTROLLER)).toThrow(
      usage(`${files.key} is not a private key without a passphrase in PEM form`),
    );
  });

  test("if the key belongs to another certificate", async () => {
    const files = write({ ...controller, key: (await pki.issue("controller")).key });
    expect(() => readCredentials(files, CONTROLLER)).toThrow(
      usage(`${files.key} is not the key of ${files.cert}`),
    );
  });

  test("if the certificate was issued by another CA of the same name", async () => {
    const stranger = await createTestPki();
    const files = write({ ...controller, ca: Buffer.from(stranger.authority.cert) });
    expect(() => readCredentials(files, CONTROLLER)).toThrow(
      usage(
        `${files.cert} was issued by another CA than ${files.ca}`,
        "every host of a cluster needs the same ca.pem",
      ),
    );
  });

  test("if the ca is a certificate that signs nothing", () => {
    const files = write({ ...controller, ca: controller.cert });
    expect(() => readCredentials(files, CONTROLLER)).toThrow(
      usage(`${files.ca} is not the certificate of an authority`),
    );
  });

  test("if the certificate has expired", async () => {
    const validity = { from: new Date("2020-01-01T00:00:00Z"), days: 1 };
    const files = write(await pki.issue("controller", {}, validity));
    expect(() => readCredentials(files, CONTROLLER)).toThrow(
      usage(
        `${files.cert} has expired on 2020-01-02T00:00:00Z`,
        "issue a new one with `penstock pki issue`",
      ),
    );
  });

  test("if the certificate is not valid yet", async () => {
    const files = write(await pki.issue("controller", {}, { from: new Date(Date.now() + 1e9) }));
    expect(() => readCredentials(files, CONTROLLER)).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(/c1\.pem is not valid before \d{4}-/),
        hint: "check this host's clock",
      }),
    );
  });

  test("if the authority has expired", async () => {
    const validity = { from: new Date(Date.now() - 86_400_000 * 2), days: 1 };
    const old = await createTestPki("warehouse", validity);
    const files = write(await old.issue("controller", {}, validity));
    expect(() => readCredentials(files, CONTROLLER)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/ca\.pem has expired on/) }),
    );
  });

  test("if the role is another one", async () => {
    const files = write(await pki.issue("agent"));
    expect(() => readCredentials(files, CONTROLLER)).toThrow(
      usage(`${files.cert} is a certificate for role agent, controller is needed`),
    );
  });

  test("if the cluster is another one", () => {
    const files = write(controller);
    expect(() => readCredentials(files, { ...CONTROLLER, cluster: "lakehouse" })).toThrow(
      usage(`${files.cert} is a certificate for cluster warehouse, lakehouse is needed`),
    );
  });

  test("if the certificate is an authority's", () => {
    const { cert, key } = pki.authority;
    const files = write({ ...controller, cert: Buffer.from(cert), key: Buffer.from(key) });
    expect(() => readCredentials(files, CONTROLLER)).toThrow(
      usage(`${files.cert} names no Penstock role`),
    );
  });
});
