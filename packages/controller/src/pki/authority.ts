import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type CertificatePair,
  type CertificateRequest,
  createAuthority,
  isErrno,
  PenstockError,
  signCertificate,
  toError,
  type Validity,
} from "@penstock/common";
import { assertFree, writePair } from "./write-pair.ts";

/** The name of the authority's two files in its folder. */
const AUTHORITY = "ca";

/**
 * Makes a cluster's private CA: writes `ca.pem` and `ca.key` into `folder`, which is made (0700) if it
 * is not there. Returns their paths. Throws `usage` rather than overwrite one.
 */
export async function initAuthority(
  folder: string,
  cluster: string,
  validity: Validity = {},
): Promise<readonly string[]> {
  await assertFree(folder, AUTHORITY);
  const pair = await createAuthority(cluster, validity);
  await makeFolder(folder);
  return writePair(folder, AUTHORITY, pair);
}

/**
 * Issues a certificate by the CA in `folder`: writes `NAME.pem` and `NAME.key` beside it and returns
 * their paths. Throws `usage` if there is no CA, a name or an address is wrong, or rather than
 * overwrite a file.
 */
export async function issueCertificate(
  folder: string,
  request: CertificateRequest,
  validity: Validity = {},
): Promise<readonly string[]> {
  const pair = await signCertificate(await readAuthority(folder), request, validity);
  return writePair(folder, request.name, pair);
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw failedToMake(folder, toError(error));
  }
}

async function readAuthority(folder: string): Promise<CertificatePair> {
  const cert = await readText(join(folder, `${AUTHORITY}.pem`)); // first: it is named if both are missing
  return { cert, key: await readText(join(folder, `${AUTHORITY}.key`)) };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw unreadable(path, toError(error));
  }
}

function unreadable(path: string, cause: Error): PenstockError {
  const missing = isErrno(cause, "ENOENT");
  return new PenstockError("usage", `${path} ${missing ? "is not there" : cause.message}`, {
    hint: "name with --dir the folder in which `penstock pki init` made the authority",
    cause,
  });
}

function failedToMake(folder: string, cause: Error): PenstockError {
  return new PenstockError("failed", `make ${folder}: ${cause.message}`, { cause });
}
