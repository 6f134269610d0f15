import { createPrivateKey, X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { PenstockError } from "../errors.ts";
import { type CertificatePair, createAuthority, signCertificate } from "./certificates.ts";

const DAY_MS = 86_400_000;

let authority: CertificatePair;

beforeAll(async () => {
  authority = await createAuthority("warehouse");
});

function days({ validFromDate, validToDate }: X509Certificate): number {
  return (validToDate.getTime() - validFromDate.getTime()) / DAY_MS;
}

describe("an authority", () => {
  test("signs itself, may sign others, and lasts ten years", () => {
    const ca = new X509Certificate(authority.cert);
    expect(ca.ca).toBe(true);
    expect(ca.verify(ca.publicKey)).toBe(true);
    expect(ca.checkPrivateKey(createPrivateKey(authority.key))).toBe(true);
    expect(Math.floor(days(ca))).toBe(3650);
    expect(ca.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" });
  });

  test("is good from five minutes ago, for hosts whose clock is late", () => {
    const ca = new X509Certificate(authority.cert);
    const age = Date.now() - ca.validFromDate.getTime();
    expect(age).toBeGreaterThan(4.9 * 60_000);
    expect(age).toBeLessThan(10 * 60_000);
  });

  test("has a name that can stand in a path", async () => {
    await expect(createAuthority("../x")).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining('cluster: bad name "../x"'),
    });
  });
});

describe("a certificate", () => {
  test("is signed by the authority and lasts two years", async () => {
    const pair = await signCertificate(authority, { role: "agent", name: "sdw1", addresses: [] });
    const certificate = new X509Certificate(pair.cert);
    const ca = new X509Certificate(authority.cert);
    expect(certificate.checkIssued(ca)).toBe(true);
    expect(certificate.verify(ca.publicKey)).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(certificate.checkPrivateKey(createPrivateKey(pair.key))).toBe(true);
    expect(Math.floor(days(certificate))).toBe(730);
  });

  test.each(["agent", "mover"] as const)("of an %s is good for its addresses", async (role) => {
    const addresses = ["10.0.0.1", "fd00::1", "sdw1.example"];
    const { cert } = await signCertificate(authority, { role, name: "sdw1", addresses });
    const certificate = new X509Certificate(cert);
    for (const host of ["sdw1", "sdw1.example"]) expect(certificate.checkHost(host)).toBe(host);
    for (const ip of ["10.0.0.1", "fd00::1"]) expect(certificate.checkIP(ip)).toBe(ip);
    expect(certificate.checkHost("localhost")).toBeUndefined();
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
  });

  test("of a controller is good for no address that was not asked for", async () => {
    const request = { role: "controller", name: "mdw", addresses: [] } as const;
    const certificate = new X509Certificate((await signCertificate(authority, request)).cert);
    expect(certificate.subjectAltName).toBe("URI:penstock://warehouse/controller/mdw");
    expect(certificate.checkHost("mdw", { subject: "never" })).toBeUndefined();
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
  });

  test("has a serial number of its own", async () => {
    const request = { role: "agent", name: "sdw1", addresses: [] } as const;
    const pairs = await Promise.all([1, 2, 3].map(() => signCertificate(authority, request)));
    const serials = pairs.map(({ cert }) => new X509Certificate(cert).serialNumber);
    expect(new Set(serials).size).toBe(3);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  test("never outlives its authority", async () => {
    const young = await createAuthority("warehouse", { days: 10 });
    const request = { role: "agent", name: "sdw1", addresses: [] } as const;
    const { cert } = await signCertificate(young, request);
    const end = new X509Certificate(young.cert).validToDate;
    expect(new X509Certificate(cert).validToDate).toEqual(end);
  });

  test("is not signed by an authority that has expired", async () => {
    const from = new Date("2020-01-01T00:00:00Z");
    const old = await createAuthority("warehouse", { from, days: 1 });
    const request = { role: "agent", name: "sdw1", addresses: [] } as const;
    await expect(signCertificate(old, request)).rejects.toThrow(
      "the authority's certificate has expired on 2020-01-02T00:00:00Z",
    );
  });

  test.each([
    [{ name: "../sdw1" }, 'name: bad name "../sdw1"'],
    [{ addresses: ["sdw1:7411"] }, 'bad address "sdw1:7411"'],
    [{ addresses: [""] }, 'bad address ""'],
  ] as const)("is not issued for %j", async (wrong, message) => {
    const request = { role: "agent", name: "sdw1", addresses: [], ...wrong } as const;
    const error = await signCertificate(authority, request).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PenstockError);
    expect(error).toMatchObject({ code: "usage", message: expect.stringContaining(message) });
  });

  test.each([0, -1, 1.5, Number.NaN, 1e9])("is not issued for %d days", async (wrong) => {
    const request = { role: "agent", name: "sdw1", addresses: [] } as const;
    await expect(signCertificate(authority, request, { days: wrong })).rejects.toThrow(
      `cannot be good for ${wrong} days`,
    );
  });

  test("is not issued by what is no authority of Penstock", async () => {
    const request = { role: "agent", name: "sdw1", addresses: [] } as const;
    const agent = await signCertificate(authority, request);
    await expect(signCertificate(agent, request)).rejects.toThrow("was not made by Penstock");
  });
});
