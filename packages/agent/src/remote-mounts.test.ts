import { expect, test } from "vitest";
import { remotePaths } from "./remote-mounts.ts";

const MOUNTS = `22 1 253:0 / / rw,relatime shared:1 - xfs /dev/mapper/root rw
40 22 0:45 / /home rw,relatime shared:2 - nfs4 server:/export/home rw,vers=4.2
41 40 253:3 / /home/local rw - ext4 /dev/sdb1 rw
42 22 0:46 / /mnt/two\\040words rw - fuse.sshfs host:/x rw
43 22 0:47 / /data rw - nfs server:/data rw
44 22 253:4 / /data rw - xfs /dev/sdc1 rw
`;

test.each([
  ["/var/lib/pipe", false],
  ["/home", true],
  ["/home/user/pipe (deleted)", true],
  ["/homes/user/pipe", false],
  ["/home/local/pipe", false],
  ["/mnt/two words/file", true],
  ["/data/pipe", false], // what is mounted above
])("%s: %s", (path, isRemote) => {
  expect(remotePaths(MOUNTS)(path)).toBe(isRemote);
});

test("without a list of mounts nothing is remote", () => {
  expect(remotePaths("")("/home/x")).toBe(false);
  expect(remotePaths()("/proc/self/fd")).toBe(false);
});
