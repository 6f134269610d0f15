import { status } from "@grpc/grpc-js";
import type { ErrorCode } from "../errors.ts";
import { STATUS_TO_CODE } from "./status-table.ts";

/** Why a call failed, in words that follow the name of whoever was called. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
}

/** Explains a status that gRPC itself made up: our own servers always send an ErrorDetail. */
export function explainFailure(code: status, details: string): Failure {
  switch (code) {
    case status.UNAVAILABLE:
      return explainUnavailable(details);
    case status.DEADLINE_EXCEEDED:
      return { code: "unreachable", message: "no answer in time" };
    case status.CANCELLED:
      return { code: "unreachable", message: "it broke off the call" };
    case status.UNIMPLEMENTED:
      return { code: "failed", message: "it does not know this call", hint: "upgrade it" };
    case status.INTERNAL:
      // A stream reset without a status is how some breaks of a connection look.
      if (details.startsWith("Received RST_STREAM")) return BROKEN;
      return { code: "internal", message: details };
    default:
      return { code: STATUS_TO_CODE[code], message: details };
  }
}

const BROKEN: Failure = { code: "unreachable", message: "the connection broke off" };
const PORT = "is an agent running there, and is this its port?";
const REISSUE = "issue a new certificate with `penstock pki issue`";

/** grpc-js gives us its errors as text only. The first row that fits is taken. */
const WORDS: readonly (readonly [pattern: RegExp, message: string, hint?: string])[] = [
  [/ECONNREFUSED/, "connection refused", PORT],
  [/Name resolution failed|ENOTFOUND|EAI_AGAIN/, "its name does not resolve"],
  [/EHOSTUNREACH|ENETUNREACH/, "there is no route to it"],
  [/ETIMEDOUT/, "it does not answer", "a firewall may be dropping what is sent to it"],
  // Only a failure after our side of the handshake, before anything was said, carries a time.
  [
    /Last error: .* \(\d{4}-\d\d-\d\dT[\d:.]+Z\)/s,
    "it refused our certificate",
    "its log says why, unless it was stopping just then",
  ],
  [
    /Connection dropped|ECONNRESET|EPIPE|socket hang up|Stream refused|Socket closed/,
    BROKEN.message,
  ],
];

/** Hints for what `secure` found out. */
const HINTS: readonly (readonly [pattern: RegExp, hint: string])[] = [
  [/has expired/, REISSUE],
  [/is not valid before/, "compare the clocks of both hosts"],
  [/another CA/, "every host of a cluster needs the same ca.pem"],
  [/, not for /, `${REISSUE} and \`--address\`, or connect to a name that it has`],
  [/for role|no Penstock/, PORT],
  [/for cluster/, "compare `cluster` in both configurations"],
  [/TLS|HTTP/, PORT],
];

function explainUnavailable(details: string): Failure {
  const [, found] = /Last error: PenstockError: (.*)\. Resolution note: /s.exec(details) ?? [];
  if (found !== undefined) return explainFound(found);
  const [, message, hint] = WORDS.find(([pattern]) => pattern.test(details)) ?? [];
  return withHint(message ?? details, hint);
}

function explainFound(message: string): Failure {
  const [, hint] = HINTS.find(([pattern]) => pattern.test(message)) ?? [];
  return withHint(message, hint);
}

function withHint(message: string, hint: string | undefined): Failure {
  const failure = { code: "unreachable", message } as const;
  return hint === undefined ? failure : { ...failure, hint };
}
