import { expect, test } from "vitest";
import { pluginConfigText } from "./plugin-config.ts";

test("the configuration is a map of text to text, whatever the texts are", () => {
  const parts = { executable: "/usr/bin/plugin", plan: 'a: "b" # c', socket: "/run/x y.sock" };
  expect(pluginConfigText(parts)).toBe(`executablepath: "/usr/bin/plugin"
options:
  plan: "a: \\"b\\" # c"
  socket: "/run/x y.sock"
  restore_subset: "on"
`);
});
