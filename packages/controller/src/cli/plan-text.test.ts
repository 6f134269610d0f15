import { expect, test } from "vitest";
import type { PlannedTool } from "../producers/producer.ts";
import { toInquiryText, toPlanText, toShownTool } from "./plan-text.ts";

const TOOL: PlannedTool = {
  ...{ id: "listing", host: "mdw", tool: "gpcrondump", args: ["-x", "my db"] },
  ...{ env: { PGPASSWORD: "secret" }, streams: [], origin: ["plans"] },
};

test("a plan that asks first says what it asks, and whom", () => {
  const text = toInquiryText({ tools: [TOOL], files: [{ host: "mdw", path: "/b/list" }] });
  expect(text).toMatch(/^its hosts are asked first/);
  expect(text).toMatch(/^mdw +gpcrondump +-x 'my db'$/m);
  expect(text).toMatch(/^mdw +\/b\/list$/m);
});

test("streams without a path are shown with a dash, and no files need no table", () => {
  const stream = { name: "app", host: "sdw1", kind: "stdout", path: "", required: true } as const;
  const text = toPlanText({ streams: [{ ...stream, origin: [] }], tools: [TOOL], files: [] });
  expect(text).toMatch(/^sdw1 +app +stdout +-$/m);
  expect(text).not.toContain("COLLECTED");
});

test("what may be a secret is not shown", () => {
  expect(JSON.stringify(toShownTool(TOOL))).not.toContain("secret");
});
