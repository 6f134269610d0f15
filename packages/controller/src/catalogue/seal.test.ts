import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { seal, unseal } from "./seal.ts";

const DOCUMENT = {
  set: "20261120104512",
  streams: [{ name: "dump-π", sha256: "0" }],
  error: "a\nb",
};

test("what was sealed comes back", () => {
  expect(unseal(seal(DOCUMENT))).toEqual(DOCUMENT);
});

test("a single changed, missing or added byte is noticed, wherever it is", () => {
  const sealed = seal(DOCUMENT);
  for (let offset = 0; offset < sealed.length; offset++) {
    const changed = Buffer.from(sealed);
    changed[offset] = (changed[offset] ?? 0) ^ 1;
    expect(unseal(changed)).toBeUndefined();
    expect(unseal(sealed.subarray(0, offset))).toBeUndefined();
  }
  expect(unseal(Buffer.concat([sealed, Buffer.from("\n")]))).toBeUndefined();
});

test("the seal can be checked without Penstock", () => {
  const sealed = seal(DOCUMENT);
  const { sha256 } = JSON.parse(sealed.toString("utf8"));
  const said = execFileSync("sh", ["-c", "head -n -2 | sha256sum"], { input: sealed }).toString();
  expect(said).toContain(sha256);
});
