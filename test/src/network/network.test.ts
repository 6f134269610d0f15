import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { run } from "../harness/child.ts";
import { describeOnNetwork } from "./describe-on-network.ts";
import { Network } from "./network.ts";

const signal = AbortSignal.timeout(600_000);

await describeOnNetwork("a network of name spaces", { hosts: ["sdw1", "sdw2"] }, (stage) => {
  /** A TCP connection to the agent of a host, as the controller tries it: whether there is one in time. */
  const dial = async (host: string, limitSeconds: number): Promise<boolean> => {
    const [address, port] = stage.cluster.host(host).address.split(":");
    const { launcher } = stage.network.place("controller");
    const script = `exec 3<>/dev/tcp/${address}/${port}`;
    const args = [`${limitSeconds}`, "bash", "-c", script];
    return (await run("timeout", args, { launcher }, signal)).status === 0;
  };

  test("has hosts that reach each other, and one that fails does not take others with it", async () => {
    const { network } = stage;
    for (const fault of ["linkDown", "dropFrom", "dropTo", "resetConnections"] as const) {
      expect(await dial("sdw1", 60)).toBe(true);
      await network[fault]("sdw1", signal);
      expect(await dial("sdw1", 1)).toBe(false);
      expect(await dial("sdw2", 60)).toBe(true);
      await network.heal("sdw1", signal);
      await network.linkUp("sdw1", signal);
    }
    expect(await dial("sdw1", 60)).toBe(true);
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
