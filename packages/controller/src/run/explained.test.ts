import { PenstockError } from "@penstock/common";
import { expect, test } from "vitest";
import type { Proof } from "../producers/producer.ts";
import { explained } from "./explained.ts";
import { SessionInMemory } from "./test-support.ts";

const FAILURE = new PenstockError("failed", "gpcrondump on mdw exited with status 2", {
  hint: "look there",
});
const PROOF: Proof = {
  files: [
    { host: "sdw1", path: "/b/status" },
    { host: "sdw2", path: "/b/status" },
    { host: "sdw3", path: "/outside" },
  ],
  judge: () => [],
  explain: (files) => Object.entries(files).map(([key, { text }]) => `${key} says ${text}`),
};

function sessionWith(...files: string[]): SessionInMemory {
  const session = new SessionInMemory();
  for (const file of files) session.files.add(file);
  return session;
}

test.each(["failed", "damaged"] as const)(
  "the cause of a failure (%s) tells what the tools' files say, of whichever can be read",
  async (code) => {
    const cause = new PenstockError(code, FAILURE.message, { hint: "look there" });
    const error = await explained(sessionWith("sdw2:/b/status"), PROOF, cause);
    expect(error).toMatchObject({ code, hint: "look there", cause });
    expect((error as Error).message).toMatch(
      /^gpcrondump on mdw exited with status 2\nin its files:\n {2}.*sdw2.* says text$/,
    );
  },
);

test("files are read of a run that has been stopped already", async () => {
  const session = sessionWith("sdw1:/b/status");
  session.fail(FAILURE);
  expect(await explained(session, PROOF, FAILURE)).not.toBe(FAILURE);
});

test("a cause stays as it is when no file tells of it", async () => {
  expect(await explained(sessionWith(), PROOF, FAILURE)).toBe(FAILURE);
});

test("a cause stays as it is without anything that explains it", async () => {
  const { explain: _, ...proof } = PROOF;
  const session = sessionWith("sdw1:/b/status");
  expect(await explained(session, proof, FAILURE)).toBe(FAILURE);
  expect(await explained(session, undefined, FAILURE)).toBe(FAILURE);
  expect(session.asked).toEqual([]);
});

test("no host is asked why a run was cancelled, or could not begin", async () => {
  const session = sessionWith("sdw1:/b/status");
  const lost = new PenstockError("unreachable", "agent sdw1 is gone");
  expect(await explained(session, PROOF, lost)).toBe(lost);
  const cancelled = new DOMException("cancelled", "AbortError");
  expect(await explained(session, PROOF, cancelled)).toBe(cancelled);
  expect(session.asked).toEqual([]);
});
