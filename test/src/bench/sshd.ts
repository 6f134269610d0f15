import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { Child } from "../harness/child.ts";
import { freePort } from "../harness/free-port.ts";
import { runProgram, waitForEffect } from "./children.ts";
import { hasSocket } from "./loopback.ts";

/** Debian's sshd wants this folder when it runs as root; it is empty and made at boot. */
const PRIVILEGE_SEPARATION_FOLDER = "/run/sshd";

/** A private sshd on loopback with throw-away keys. */
export interface PrivateSshd {
  readonly server: Child;
  /** A client configuration that reaches it as host `bench` and reads nothing of the user's. */
  readonly clientConfig: string;
}

/**
 * Starts sshd with keys and configuration in `directory` (mode 0700, removed by the caller). Uses
 * no file of the user or of the system's own sshd. Throws with sshd's words if it does not start.
 */
export async function startSshd(
  sshd: string,
  directory: string,
  children: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<PrivateSshd> {
  const port = await freePort();
  await makeKeys(directory, port, signal);
  await makePrivilegeSeparationFolder(children);
  await writeFile(join(directory, "sshd_config"), serverConfig(directory, port));
  const clientConfig = join(directory, "ssh_config");
  await writeFile(clientConfig, clientConfigText(directory, port));
  const args = ["-D", "-e", "-f", join(directory, "sshd_config")];
  const server = children.use(await Child.start(sshd, args, {}, signal));
  await waitForEffect("sshd", server, () => hasSocket(port, "listening"), signal);
  return { server, clientConfig };
}

async function makeKeys(directory: string, port: number, signal: AbortSignal): Promise<void> {
  for (const name of ["host_key", "user_key"]) {
    const file = join(directory, name);
    const args = ["-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", file];
    await runProgram("ssh-keygen", args, signal);
  }
  const hostKey = await readFile(join(directory, "host_key.pub"), "utf8");
  await writeFile(join(directory, "known_hosts"), `[127.0.0.1]:${port} ${hostKey}`);
}

/** Makes the folder if it is missing and then removes it again. */
async function makePrivilegeSeparationFolder(children: AsyncDisposableStack): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const made = await mkdir(PRIVILEGE_SEPARATION_FOLDER, { recursive: true, mode: 0o755 });
  if (made !== undefined) {
    children.defer(() => rm(PRIVILEGE_SEPARATION_FOLDER, { recursive: true, force: true }));
  }
}

function serverConfig(directory: string, port: number): string {
  return `ListenAddress 127.0.0.1:${port}
HostKey ${directory}/host_key
AuthorizedKeysFile ${directory}/user_key.pub
PidFile none
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
PermitUserRC no
AllowAgentForwarding no
`;
}

function clientConfigText(directory: string, port: number): string {
  return `Host bench
HostName 127.0.0.1
Port ${port}
User ${userInfo().username}
IdentityFile ${directory}/user_key
IdentitiesOnly yes
IdentityAgent none
UserKnownHostsFile ${directory}/known_hosts
GlobalKnownHostsFile /dev/null
StrictHostKeyChecking yes
BatchMode yes
Compression no
LogLevel ERROR
`;
}
