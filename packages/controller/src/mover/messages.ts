import type { BytesPerSecond, StoredObject } from "@penstock/common";
import { type ErrorCode, isAbortError, PenstockError, toPenstockError } from "@penstock/common";
import type { DeliverJob, StoredStream, StoreJob, VerifyJob, WaitingFor } from "./jobs.ts";

/** What the main thread tells a mover's thread. `id` names the job. */
export type ToMover =
  | { readonly id: number; readonly kind: "store"; readonly job: StoreJob }
  | { readonly id: number; readonly kind: "deliver"; readonly job: DeliverJob }
  | { readonly id: number; readonly kind: "verify"; readonly job: VerifyJob }
  | { readonly id: number; readonly kind: "publish" }
  | { readonly id: number; readonly kind: "begin" }
  | { readonly id: number; readonly kind: "pace"; readonly rate: BytesPerSecond | undefined }
  | { readonly id: number; readonly kind: "end" }
  | { readonly id: number; readonly kind: "close" };

/** What it answers. */
export type FromMover =
  | { readonly id: number; readonly kind: "attached" }
  | { readonly id: number; readonly kind: "progress"; readonly bytes: number }
  | { readonly id: number; readonly kind: "waiting"; readonly waitingFor: WaitingFor }
  | { readonly id: number; readonly kind: "reconnect"; readonly cause: string }
  | { readonly id: number; readonly kind: "received"; readonly stored: StoredStream }
  | { readonly id: number; readonly kind: "published"; readonly objects: StoredObject[] }
  | { readonly id: number; readonly kind: "done" }
  | { readonly id: number; readonly kind: "ended" }
  | { readonly id: number; readonly kind: "failed"; readonly error: PlainError };

/** An error as plain data. */
export interface PlainError {
  readonly code: ErrorCode | "aborted";
  readonly message: string;
  readonly hint?: string;
}

/** For crossing threads. */
export function toPlainError(thrown: unknown): PlainError {
  if (isAbortError(thrown)) return { code: "aborted", message: "aborted" };
  const { code, message, hint } = toPenstockError(thrown, "mover");
  return hint === undefined ? { code, message } : { code, message, hint };
}

/** The mirror of `toPlainError`. */
export function fromPlainError({ code, message, hint }: PlainError): Error {
  if (code === "aborted") return new DOMException(message, "AbortError");
  return new PenstockError(code, message, hint === undefined ? {} : { hint });
}
