import { status } from "@grpc/grpc-js";
import type { ErrorCode } from "../errors.ts";

/** gRPC's status for each of our error codes. */
export const CODE_TO_STATUS: Readonly<Record<ErrorCode, status>> = {
  usage: status.INVALID_ARGUMENT,
  failed: status.FAILED_PRECONDITION,
  damaged: status.DATA_LOSS,
  locked: status.ALREADY_EXISTS,
  unreachable: status.UNAVAILABLE,
  not_found: status.NOT_FOUND,
  refused: status.PERMISSION_DENIED,
  internal: status.INTERNAL,
};

/** The way back, and what the statuses that only gRPC itself sends mean to us. */
export const STATUS_TO_CODE: Readonly<Record<status, ErrorCode>> = {
  [status.OK]: "internal",
  [status.CANCELLED]: "unreachable",
  [status.UNKNOWN]: "failed",
  [status.INVALID_ARGUMENT]: "usage",
  [status.DEADLINE_EXCEEDED]: "unreachable",
  [status.NOT_FOUND]: "not_found",
  [status.ALREADY_EXISTS]: "locked",
  [status.PERMISSION_DENIED]: "refused",
  [status.RESOURCE_EXHAUSTED]: "failed",
  [status.FAILED_PRECONDITION]: "failed",
  [status.ABORTED]: "failed",
  [status.OUT_OF_RANGE]: "usage",
  [status.UNIMPLEMENTED]: "failed",
  [status.INTERNAL]: "internal",
  [status.UNAVAILABLE]: "unreachable",
  [status.DATA_LOSS]: "damaged",
  [status.UNAUTHENTICATED]: "refused",
};
