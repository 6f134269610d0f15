import { describe, expect, test } from "vitest";
import { formatAddress, parseAddress, parseListenAddress } from "./address.ts";

describe("addresses", () => {
  test.each([
    ["sdw1:7411", { host: "sdw1", port: 7411 }],
    ["192.0.2.1:1", { host: "192.0.2.1", port: 1 }],
    ["db_1.example.org:65535", { host: "db_1.example.org", port: 65_535 }],
    ["[2001:db8::1]:7411", { host: "2001:db8::1", port: 7411 }],
  ])("%s is read and printed the same", (text, address) => {
    expect(parseAddress(text)).toEqual(address);
    expect(formatAddress(address)).toBe(text);
  });

  test.each([
    "",
    "sdw1",
    "sdw1:",
    ":7411",
    "sdw1:0",
    "sdw1:65536",
    "sdw1:99999999",
    "sdw1:http",
    "a b:1",
    "http://sdw1:7411",
    "2001:db8::1:7411",
    "[sdw1]:7411",
    "[]:1",
    "sdw1:7411/x",
  ])("%j is refused, with what is allowed", (text) => {
    expect(() => parseAddress(text)).toThrow(
      `bad address ${JSON.stringify(text)}; allowed: host:port, port 1 to 65535, e.g. sdw1:7411 or "[2001:db8::1]:7411"`,
    );
  });

  test("a server may ask for any free port", () => {
    expect(parseListenAddress("127.0.0.1:0")).toEqual({ host: "127.0.0.1", port: 0 });
    expect(() => parseListenAddress("0.0.0.0")).toThrow("allowed: host:port, port 0 to 65535");
  });
});
