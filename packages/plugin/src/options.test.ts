import { expect, test } from "vitest";
import { parseOptions } from "./options.ts";

test("reads what gpbackup writes: bare and quoted texts, and nothing outside of options", () => {
  const text = `# by hand
executablepath: /usr/bin/gpbackup_penstock_plugin
options:
  backup_plugin_version: ""
  pgport: "16001"
  plan: nightly  # the one
  socket: '/run/it''s/plugin.sock'
  config: "/etc/a\\"b\\u00e9.yaml"

  empty:
other:
  plan: not this
`;
  expect(Object.fromEntries(parseOptions(text, "plugin.yaml"))).toEqual({
    ...{ backup_plugin_version: "", pgport: "16001", plan: "nightly", empty: "" },
    ...{ socket: "/run/it's/plugin.sock", config: '/etc/a"bé.yaml' },
  });
});

test.each([
  ["options:\n  plan: |\n    long", "plugin.yaml:2: cannot read this value"],
  ["options:\n  plan: [a, b]", "plugin.yaml:2: cannot read this value"],
  ['options:\n  plan: "a', "plugin.yaml:2: cannot read this value"],
  ["options:\n  plan", 'plugin.yaml:2: not a line "key: value"'],
  ["options: &x\n  - a", "plugin.yaml:2: not a line"],
  ["\0\u0001", "plugin.yaml:1: not a line"],
])("refuses %j with the line", (text, message) => {
  expect(() => parseOptions(text, "plugin.yaml")).toThrow(message);
});
