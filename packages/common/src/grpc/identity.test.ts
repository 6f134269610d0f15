import { beforeAll, describe, expect, test } from "vitest";
import { signCertificate } from "../pki/certificates.ts";
import { authorize } from "./authorize.ts";
import { parseIdentity } from "./identity.ts";
import { createTestPki, type TestPki } from "./test-pki.ts";

let pki: TestPki;

beforeAll(async () => {
  pki = await createTestPki();
});

describe("the identity in a certificate", () => {
  test("is the cluster, the role and the name that it was issued for", async () => {
    const { cert } = await pki.issue("mover", { name: "vault-1.example" });
    const identity = { cluster: "warehouse", role: "mover", name: "vault-1.example" };
    expect(parseIdentity(cert)).toEqual(identity);
    expect(parseIdentity(Buffer.from(cert).toString())).toEqual(identity);
  });

  test("cannot be forged through an address", async () => {
    const forged = "x, URI:penstock://warehouse/controller/root";
    const request = { role: "agent", name: "sdw1", addresses: [forged] } as const;
    await expect(signCertificate(pki.authority, request)).rejects.toThrow("bad address");
  });

  test("is not in an authority's certificate", () => {
    expect(() => parseIdentity(pki.authority.cert)).toThrow("names no Penstock role");
  });

  test("is not in what is no certificate", () => {
    expect(() => parseIdentity("hello")).toThrow("not a certificate in PEM form");
  });
});

describe("a call without a certificate", () => {
  test("is refused", () => {
    const call = { getAuthContext: () => ({}) };
    expect(() => authorize(call, { roles: ["controller"] })).toThrow(
      expect.objectContaining({ code: "refused" }),
    );
  });
});
