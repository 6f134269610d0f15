import { randomBytes } from "node:crypto";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { isAbortError, PenstockError, toError, toPenstockError } from "../errors.ts";
import { explainFailure } from "./call-failure.ts";
import { getErrorDetail, setErrorDetail } from "./error-detail.ts";
import { CODE_TO_STATUS } from "./status-table.ts";

/** A status travels in a header block, which is limited to 64 KiB. */
const LONGEST_MESSAGE = 4_000;

/**
 * Our error as what ends a call, for the callback of a unary handler and for `emit("error")` of a
 * stream. What is not a PenstockError, or is one of code `internal`, is told to the other side by an
 * id only; `onInternal` gets the id and the error, for our log.
 */
export function toGrpcError(
  thrown: unknown,
  onInternal: (id: string, error: Error) => void = () => {},
): ServiceError {
  if (isAbortError(thrown)) return serviceError(status.CANCELLED, "stopped", new Metadata());
  const error = thrown instanceof PenstockError && thrown.code !== "internal" ? thrown : undefined;
  return statusOf(error ?? concealed(toError(thrown), onInternal));
}

/**
 * What a call failed with, as our error, with code, hint and place as the other side gave them.
 * `what` says who was called, as "agent sdw1 (sdw1:7411)". Failures of the connection are put in
 * plain words. What is no gRPC error is passed on, wrapped only if it is not ours; a cancelled call
 * becomes an AbortError if we cancelled it ourselves.
 */
export function fromGrpcError(thrown: unknown, what: string): Error {
  if (isAbortError(thrown)) return toError(thrown);
  if (!isServiceError(thrown)) return toPenstockError(thrown, what);
  const sent = getErrorDetail(thrown.metadata);
  if (sent !== undefined) {
    const details = { ...sent.details, cause: thrown };
    return new PenstockError(sent.code, `${what}: ${thrown.details}`, details);
  }
  if (isOurCancel(thrown)) return new DOMException(`${what}: cancelled`, "AbortError");
  const { code, message, hint } = explainFailure(thrown.code, thrown.details);
  const details = hint === undefined ? { cause: thrown } : { hint, cause: thrown };
  return new PenstockError(code, `${what}: ${message}`, details);
}

function statusOf(error: PenstockError): ServiceError {
  const metadata = new Metadata();
  setErrorDetail(metadata, error);
  return serviceError(CODE_TO_STATUS[error.code], error.message, metadata);
}

function concealed(error: Error, onInternal: (id: string, error: Error) => void): PenstockError {
  const id = randomBytes(4).toString("hex");
  onInternal(id, error);
  return new PenstockError("internal", `internal error ${id}`, {
    hint: `look for ${id} in the log on that host`,
  });
}

function serviceError(code: status, message: string, metadata: Metadata): ServiceError {
  const cut = message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)}…` : message;
  const details = cut.toWellFormed(); // grpc-js throws on half a surrogate pair
  return Object.assign(new Error(details), { code, details, metadata });
}

function isServiceError(thrown: unknown): thrown is ServiceError {
  return thrown instanceof Error && "metadata" in thrown && thrown.metadata instanceof Metadata;
}

/** So says grpc-js for `call.cancel()`; what the other side cancels has other words. */
function isOurCancel({ code, details }: ServiceError): boolean {
  return code === status.CANCELLED && details === "Cancelled on client";
}
