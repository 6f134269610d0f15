import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { lockByName } from "./lock-by-name.ts";

test.each([1, 4_096])("a name of %d bytes and more has one holder at a time", async (length) => {
  const name = randomUUID() + "n".repeat(length);
  {
    await using first = await lockByName(name);
    expect(first).toBeDefined();
    expect(await lockByName(name)).toBeUndefined();
    await using other = await lockByName(`${name}o`);
    expect(other).toBeDefined();
  }
  await using second = await lockByName(name);
  expect(second).toBeDefined();
});
