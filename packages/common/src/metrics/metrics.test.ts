import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { describe, expect, test } from "vitest";
import { collect } from "../byte-stream.ts";
import type { Metric } from "./metric.ts";
import { listenForMetrics } from "./metrics-server.ts";
import { renderMetrics } from "./render-metrics.ts";
import { serveMetrics } from "./serve-metrics.ts";

const METRICS: readonly Metric<{ readonly frames: number }>[] = [
  {
    ...{ name: "test_frames_total", type: "counter", help: "Frames", labels: ["direction"] },
    read: ({ frames }) => [
      { value: frames, labels: { direction: "backup" } },
      { value: 0, labels: { direction: "restore" } },
    ],
  },
  {
    ...{ name: "test_streams", type: "gauge", help: "Streams", labels: [] },
    read: () => [{ value: 3 }],
  },
  { ...{ name: "test_eta", type: "gauge", help: "None", labels: ["plan"] }, read: () => [] },
];

const RENDERED = `# HELP test_frames_total Frames
# TYPE test_frames_total counter
test_frames_total{direction="backup"} 7
test_frames_total{direction="restore"} 0

# HELP test_streams Streams
# TYPE test_streams gauge
test_streams 3

# HELP test_eta None
# TYPE test_eta gauge
`;

test("metrics are rendered with their help, type, labels and values of the moment", async () => {
  expect(await renderMetrics(METRICS, { frames: 7 })).toBe(RENDERED);
  expect(await renderMetrics(METRICS, { frames: 8 })).toBe(RENDERED.replace("} 7", "} 8"));
});

test("a label's value cannot break out of its quotes", async () => {
  const labels = { plan: 'a"\\\n' };
  const odd = { ...METRICS[2], read: () => [{ value: 1, labels }] } as Metric<undefined>;
  expect(await renderMetrics([odd], undefined)).toContain('test_eta{plan="a\\"\\\\\\n"} 1');
});

describe("a process that serves metrics", () => {
  test("answers each scrape with the state of that moment, and with its process's own numbers", async () => {
    let frames = 0;
    await using server = await serveMetrics("127.0.0.1:0", METRICS, () => ({ frames: ++frames }));
    const first = await fetch(`http://127.0.0.1:${server.port}/metrics`);
    expect(first.headers.get("content-type")).toContain("version=0.0.4");
    expect(await first.text()).toContain('test_frames_total{direction="backup"} 1\n');
    const second = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
    expect(second).toContain('test_frames_total{direction="backup"} 2\n');
    for (const name of ["process_resident_memory_bytes", "process_open_fds"]) {
      expect(second).toMatch(new RegExp(`^${name} [1-9]`, "m"));
    }
    expect(second).toContain("nodejs_eventloop_lag_p99_seconds");
  });

  test("has nothing else to give, and takes nothing", async () => {
    await using server = await listenForMetrics("127.0.0.1:0", () => Promise.resolve("x 1\n"));
    expect(await ask(server.port, "GET", "/metrics?name=x")).toEqual([200, "x 1\n"]);
    expect(await ask(server.port, "GET", "/")).toEqual([404, "metrics are at /metrics\n"]);
    expect(await ask(server.port, "GET", "//[")).toEqual([404, "metrics are at /metrics\n"]);
    expect(await ask(server.port, "POST", "/metrics")).toEqual([405, "allowed: GET\n"]);
  });

  test("says what is wrong if its state cannot be read, and goes on serving", async () => {
    let isBroken = true;
    await using server = await listenForMetrics("127.0.0.1:0", async () => {
      if (isBroken) throw new Error("thread is gone");
      return "x 1\n";
    });
    const text = "cannot read the metrics: thread is gone\n";
    expect(await ask(server.port, "GET", "/metrics")).toEqual([500, text]);
    isBroken = false;
    expect(await ask(server.port, "GET", "/metrics")).toEqual([200, "x 1\n"]);
  });

  test("names its key when its address is taken, and frees it when it ends", async () => {
    const nothing = (): Promise<string> => Promise.resolve("");
    // Of another address: who asks for any port of 127.0.0.1 could get this one when it is free.
    const first = await listenForMetrics("127.0.0.2:0", nothing);
    const address = `127.0.0.2:${first.port}`;
    await expect(listenForMetrics(address, nothing)).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(`^metrics.listen: cannot listen at ${address}: .*EADDRINUSE`),
    });
    await first[Symbol.asyncDispose]();
    await using _second = await listenForMetrics(address, nothing);
  });
});

/** A request as it is written: `fetch` would tidy the path. */
async function ask(port: number, method: string, path: string): Promise<[number, string]> {
  const asked = request({ host: "127.0.0.1", port, method, path }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const text = await collect(response, 1000);
  return [response.statusCode ?? 0, text.toString()];
}
