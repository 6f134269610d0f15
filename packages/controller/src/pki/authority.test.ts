import { X509Certificate } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCredentials } from "@penstock/common";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { initAuthority, issueCertificate } from "./authority.ts";

const SDW1 = { role: "agent", name: "sdw1", addresses: ["10.0.0.1"] } as const;

let parent: string;
let folder: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "penstock-pki-"));
  folder = join(parent, "pki");
});

afterEach(() => rm(parent, { recursive: true }));

async function mode(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

describe("making an authority", () => {
  test("writes its two files into a folder of its own, the key for us alone", async () => {
    const files = await initAuthority(folder, "warehouse");
    expect(files).toEqual([join(folder, "ca.pem"), join(folder, "ca.key")]);
    expect(await readdir(folder)).toEqual(["ca.key", "ca.pem"]);
    expect(await mode(folder)).toBe(0o700);
    expect(await mode(join(folder, "ca.key"))).toBe(0o600);
  });

  test.each(["ca.pem", "ca.key"])(
    "does not overwrite %s, and writes nothing then",
    async (name) => {
      await writeFile(join(parent, name), "precious");
      await expect(initAuthority(parent, "warehouse")).rejects.toMatchObject({
        code: "usage",
        message: `${join(parent, name)} is there already`,
        hint: expect.stringContaining("nothing is overwritten"),
      });
      expect(await readdir(parent)).toEqual([name]);
      expect(await readFile(join(parent, name), "utf8")).toBe("precious");
    },
  );

  test("makes nothing for a name that is not allowed", async () => {
    await expect(initAuthority(folder, "ware house")).rejects.toMatchObject({ code: "usage" });
    expect(await readdir(parent)).toEqual([]);
  });

  test("leaves the permissions of a folder that was there as they are", async () => {
    await chmod(parent, 0o755);
    await initAuthority(parent, "warehouse");
    expect(await mode(parent)).toBe(0o755);
  });
});

describe("issuing a certificate", () => {
  beforeEach(() => initAuthority(folder, "warehouse"));

  test("writes two files that an agent can start with", async () => {
    const [cert = "", key = "", ...others] = await issueCertificate(folder, SDW1);
    expect([cert, key, others]).toEqual([join(folder, "sdw1.pem"), join(folder, "sdw1.key"), []]);
    expect(await mode(key)).toBe(0o600);
    const files = { ca: join(folder, "ca.pem"), cert, key };
    const material = readCredentials(files, { roles: ["agent"], cluster: "warehouse" });
    expect(material.identity).toEqual({ cluster: "warehouse", role: "agent", name: "sdw1" });
    expect((await readdir(folder)).toSorted()).toEqual([
      "ca.key",
      "ca.pem",
      "sdw1.key",
      "sdw1.pem",
    ]);
  });

  test.each(["sdw1.pem", "sdw1.key"])(
    "does not overwrite %s, and writes nothing then",
    async (name) => {
      await writeFile(join(folder, name), "precious");
      await expect(issueCertificate(folder, SDW1)).rejects.toThrow(`${name} is there already`);
      expect(await readFile(join(folder, name), "utf8")).toBe("precious");
      expect((await readdir(folder)).toSorted()).toEqual(["ca.key", "ca.pem", name]);
    },
  );

  test("does not overwrite the authority itself", async () => {
    const before = await readFile(join(folder, "ca.key"), "utf8");
    await expect(issueCertificate(folder, { ...SDW1, name: "ca" })).rejects.toThrow(
      "is there already",
    );
    expect(await readFile(join(folder, "ca.key"), "utf8")).toBe(before);
  });

  test("at the same time for one name succeeds once, with files that fit together", async () => {
    const all = await Promise.allSettled([1, 2, 3, 4].map(() => issueCertificate(folder, SDW1)));
    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const files = { ca: "ca.pem", cert: "sdw1.pem", key: "sdw1.key" };
    const at = (name: string): string => join(folder, name);
    const paths = { ca: at(files.ca), cert: at(files.cert), key: at(files.key) };
    expect(readCredentials(paths, { roles: ["agent"] }).identity.name).toBe("sdw1");
    expect(await readdir(folder)).toHaveLength(4);
  });

  test("gives the days that were asked for", async () => {
    const [cert = ""] = await issueCertificate(folder, SDW1, { days: 7 });
    const { validToDate } = new X509Certificate(await readFile(cert));
    expect(Math.ceil((validToDate.getTime() - Date.now()) / 86_400_000)).toBe(7);
  });

  test("needs an authority in the folder", async () => {
    await expect(issueCertificate(parent, SDW1)).rejects.toMatchObject({
      code: "usage",
      message: `${join(parent, "ca.pem")} is not there`,
      hint: expect.stringContaining("penstock pki init"),
    });
  });
});
