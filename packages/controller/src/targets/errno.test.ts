import { link, open, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { PenstockError } from "@penstock/common";
import { expect, it } from "vitest";
import { fromErrno, fromRootErrno } from "./errno.ts";

const caught = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error);

it("a full disk is named as such", async () => {
  await using full = await open("/dev/full", "w");
  const cause = await caught(full.write("x"));
  expect(fromErrno(cause, "write x")).toEqual(new PenstockError("failed", "write x: disk full"));
  expect(fromErrno(cause, "write x").cause).toBe(cause);
});

it("a refusal means that the target is unreachable", async () => {
  const refused = await caught(link(tmpdir(), `${tmpdir()}.penstock-link`));
  for (const convert of [fromErrno, fromRootErrno]) {
    expect(convert(refused, "commit x")).toMatchObject({
      code: "unreachable",
      message: expect.stringMatching(/^commit x: EPERM: operation not permitted/),
    });
  }
});

it("a missing file is a failure, but a missing root is unreachable", async () => {
  const missing = await caught(readFile("/proc/none"));
  expect(fromErrno(missing, "commit x")).toMatchObject({ code: "failed" });
  expect(fromRootErrno(missing, "create x")).toMatchObject({ code: "unreachable" });
});

it("what no system call said stays as it is", () => {
  const own = new PenstockError("not_found", "read x: no such object");
  const aborted = AbortSignal.abort().reason;
  for (const convert of [fromErrno, fromRootErrno]) {
    expect(convert(own, "read x")).toBe(own);
    expect(convert(aborted, "read x")).toBe(aborted);
    expect(convert("text", "read x")).toEqual(new Error("text"));
  }
});
