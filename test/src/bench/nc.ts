import { Child } from "../harness/child.ts";
import { freePort } from "../harness/free-port.ts";
import { runProgram, waitForEffect } from "./children.ts";
import type { Available } from "./contender.ts";
import { hasSocket } from "./loopback.ts";
import { type Pipeline, runPipelines } from "./pipelines.ts";
import { findProgram, installHint } from "./programs.ts";

/** `cat FIFO | nc` to `nc -l > file`: no encryption, no check; the least that moving can cost. */
export async function openNc(signal: AbortSignal): Promise<Available> {
  const nc = findProgram("nc.openbsd") ?? findProgram("nc");
  if (nc === undefined || !(await isOpenBsd(nc, signal))) {
    return { missing: installHint("nc", "netcat-openbsd") };
  }
  return {
    name: "nc",
    run: (job, runSignal) =>
      runPipelines({ connect: (...ends) => connect(nc, ...ends) }, job, runSignal),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** The other netcats have other options. This one says its name on standard error. */
async function isOpenBsd(nc: string, signal: AbortSignal): Promise<boolean> {
  const help = await runProgram("sh", ["-c", '"$1" -h 2>&1; exit 0', "sh", nc], signal);
  return help.includes("OpenBSD");
}

async function connect(
  nc: string,
  fifo: string,
  file: string,
  children: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Pipeline> {
  const port = await freePort();
  const start = async (script: string, path: string): Promise<Child> =>
    children.use(await Child.start("sh", ["-c", script, "sh", nc, String(port), path], {}, signal));
  const receiver = await start('"$1" -l 127.0.0.1 "$2" > "$3"', file);
  await waitForEffect("nc -l", receiver, () => hasSocket(port, "listening"), signal);
  const sender = await start('cat "$3" | "$1" -N 127.0.0.1 "$2"', fifo);
  await waitForEffect("nc", sender, () => hasSocket(port, "established"), signal);
  return { sender, receiver };
}
