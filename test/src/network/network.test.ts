import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { run } from "../harness/child.ts";
import { describeOnNetwork } from "./describe-on-network.ts";
import { Network } from "./network.ts";

const signal = AbortSignal.timeout(60_000);

await describeOnNetwork("a network of name spaces", { hosts: ["sdw1", "sdw2"] }, (stage) => {
  /** A TCP connection to the agent of a host, as the controller tries it: exit status 0 if there is one. */
  const dial = async (host: string): Promise<number | undefined> => {
    const [address, port] = stage.cluster.host(host).address.split(":");
    const { launcher } = stage.network.place("controller");
    const script = `exec 3<>/dev/tcp/${address}/${port}`;
    return (await run("timeout", ["1", "bash", "-c", script], { launcher }, signal)).status;
  };

  test("has hosts that reach each other, and one that fails does not take others with it", async () => {
    const { network } = stage;
    for (const fault of ["linkDown", "dropFrom", "dropTo", "resetConnections"] as const) {
      expect(await dial("sdw1")).toBe(0);
      await network[fault]("sdw1", signal);
      expect(await dial("sdw1")).not.toBe(0);
      expect(await dial("sdw2")).toBe(0);
      await network.heal("sdw1", signal);
      await network.linkUp("sdw1", signal);
    }
    expect(await dial("sdw1")).toBe(0);
  });

  test("is gone when it is disposed of, also if it could not be made", async () => {
    const before = await nameSpaces();
    const network = await Network.create({ hosts: ["sdw1"] }, signal);
    await network.delay("sdw1", { rttMs: 1 }, signal);
    expect(await nameSpaces()).toHaveLength(before.length + 3);
    await network[Symbol.asyncDispose]();
    expect(await nameSpaces()).toEqual(before);
    const twice = Network.create({ hosts: ["sdw1", "sdw1"] }, signal);
    await expect(twice).rejects.toThrow("File exists");
    expect(await nameSpaces()).toEqual(before);
  });
});

/** Those of this process. */
async function nameSpaces(): Promise<string[]> {
  const names = await readdir("/run/netns");
  return names.filter((name) => name.startsWith(`penstock-test-${process.pid}-`)).sort();
}
