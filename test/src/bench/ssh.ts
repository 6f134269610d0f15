import { existsSync } from "node:fs";
import { toError } from "@penstock/common";
import { Child } from "../harness/child.ts";
import { TempDir } from "../harness/temp-dir.ts";
import { runProgram, waitForEffect } from "./children.ts";
import type { Available } from "./contender.ts";
import { type Pipeline, type PipelineKind, runPipelines } from "./pipelines.ts";
import { processTree } from "./process-cost.ts";
import { findProgram, installHint } from "./programs.ts";
import { type PrivateSshd, startSshd } from "./sshd.ts";

/** The fastest cipher that ssh has on processors with AES instructions. */
const CIPHER = "aes128-gcm@openssh.com";

/** `cat FIFO | ssh host 'cat > file'`: encrypted, but silent about a stream that was cut short. */
export async function openSsh(signal: AbortSignal): Promise<Available> {
  const ssh = findProgram("ssh");
  if (ssh === undefined) return { missing: installHint("ssh", "openssh-client") };
  const sshd = findProgram("sshd");
  if (sshd === undefined) return { missing: installHint("sshd", "openssh-server") };
  try {
    return await openPair(ssh, sshd, signal);
  } catch (thrown) {
    signal.throwIfAborted();
    return { missing: `ssh cannot be used here: ${toError(thrown).message}` };
  }
}

/** Starts the server and logs in once, since a system may forbid that in ways of its own. */
async function openPair(ssh: string, sshd: string, signal: AbortSignal): Promise<Available> {
  await using opening = new AsyncDisposableStack();
  const directory = opening.use(await TempDir.create("penstock-bench-ssh-"));
  const server = await startSshd(sshd, directory.path, opening, signal);
  await runProgram(ssh, ["-F", server.clientConfig, "-c", CIPHER, "bench", "true"], signal);
  const resources = opening.move();
  return {
    name: "ssh",
    run: (job, runSignal) => runPipelines(pipelineKind(ssh, server), job, runSignal),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function pipelineKind(ssh: string, { server, clientConfig }: PrivateSshd): PipelineKind {
  const isIdle = (): boolean => processTree(server.pid).length === 1;
  return {
    connect: (...ends) => connect(ssh, clientConfig, ...ends),
    serverPid: server.pid,
    settle: (signal) => waitForEffect("sshd's sessions end", server, isIdle, signal),
  };
}

async function connect(
  ssh: string,
  config: string,
  fifo: string,
  file: string,
  children: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Pipeline> {
  const script = `cat "$1" | "$2" -F "$3" -c ${CIPHER} bench "cat > '$4'"`;
  const sender = children.use(
    await Child.start("sh", ["-c", script, "sh", fifo, ssh, config, file], {}, signal),
  );
  // The remote shell makes the file before anything is sent.
  await waitForEffect("ssh", sender, () => existsSync(file) || hasFailed(sender), signal);
  if (hasFailed(sender)) throw new Error(`ssh: ${sender.stderr.text.trim()}`);
  return { sender };
}

/** `cat` keeps the pipeline alive when ssh has given up. */
function hasFailed(sender: Child): boolean {
  return sender.stderr.text !== "";
}
