import type { Metadata } from "@grpc/grpc-js";
import { ErrorDetail } from "@penstock/proto";
import { type ErrorCode, type ErrorDetails, EXIT_STATUS, type PenstockError } from "../errors.ts";

const TRAILER = "penstock-error-bin";

/** Puts what a status cannot say into the trailer: our own code, the hint and the place. */
export function setErrorDetail(metadata: Metadata, { code, hint, place }: PenstockError): void {
  const { list, index, field } = place ?? { list: "", index: 0, field: "" };
  const detail: ErrorDetail = { code, hint: hint ?? "", list, index, field };
  metadata.set(TRAILER, Buffer.from(ErrorDetail.encode(detail).finish()));
}

/** The inverse; `undefined` if the error is gRPC's own or the trailer makes no sense. */
export function getErrorDetail(
  metadata: Metadata,
): { readonly code: ErrorCode; readonly details: ErrorDetails } | undefined {
  const [bytes] = metadata.get(TRAILER);
  if (!Buffer.isBuffer(bytes)) return undefined;
  const detail = decode(bytes);
  if (detail === undefined || !isErrorCode(detail.code)) return undefined;
  const { code, hint, list, index, field } = detail;
  const place = list === "" ? {} : { place: { list, index, field } };
  return { code, details: { ...(hint === "" ? {} : { hint }), ...place } };
}

function decode(bytes: Buffer): ErrorDetail | undefined {
  try {
    return ErrorDetail.decode(bytes);
  } catch {
    return undefined; // the status still says what went wrong
  }
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(EXIT_STATUS, code);
}
