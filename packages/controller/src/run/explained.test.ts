import { PenstockError } from "@penstock/common";
import { expect, test } from "vitest";
import type { Proof } from "../producers/producer.ts";
import { explained } from "./explained.ts";
import type { Session } from "./session.ts";
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

const explain = (session: SessionInMemory, proof: Proof | undefined, error: unknown) =>
  explained(session as unknown as Session, proof, error);

test("a failed tool's error tells what its files say, of whichever can be read", async () => {
  const error = await explain(sessionWith("sdw2:/b/status"), PROOF, FAILURE);
  expect(error).toMatchObject({ code: "failed", hint: "look there", cause: FAILURE });
  expect((error as Error).message).toMatch(
    /^gpcrondump on mdw exited with status 2\nin its files:\n {2}.*sdw2.* says text$/,
  );
});

test("an error stays as it is when no file tells of it", async () => {
  expect(await explain(sessionWith(), PROOF, FAILURE)).toBe(FAILURE);
});

test("an error stays as it is without anything that explains it", async () => {
  const { explain: _, ...proof } = PROOF;
  const session = sessionWith("sdw1:/b/status");
  expect(await explain(session, proof, FAILURE)).toBe(FAILURE);
  expect(await explain(session, undefined, FAILURE)).toBe(FAILURE);
  expect(session.asked).toEqual([]);
});

test("no host is asked why a run was stopped, or what is no tool's failure", async () => {
  const session = sessionWith("sdw1:/b/status");
  const lost = new PenstockError("unreachable", "agent sdw1 is gone");
  expect(await explain(session, PROOF, lost)).toBe(lost);
  session.fail(new Error("cancelled"));
  expect(await explain(session, PROOF, FAILURE)).toBe(FAILURE);
  expect(session.asked).toEqual([]);
});
