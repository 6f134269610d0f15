import { expect, test } from "vitest";
import { nodeModule, SOURCES } from "./testing.ts";

test("without metrics in the configuration their library is not loaded", async () => {
  await using agent = nodeModule(`
    import { createRequire } from "node:module";
    import "${SOURCES}/agent.ts";
    import { serveMetrics } from "${import.meta.resolve("@penstock/common")}";
    const count = () => {
      const loaded = Object.keys(createRequire(import.meta.url).cache);
      console.log(loaded.filter((path) => path.includes("/prom-client/")).length);
    };
    count();
    await using server = await serveMetrics("127.0.0.1:0", [], () => undefined);
    count();
  `);
  expect(await agent.line()).toBe("0");
  expect(Number(await agent.line())).toBeGreaterThan(5);
}, 60_000);
