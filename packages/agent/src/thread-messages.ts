import type { BytesPerSecond, ErrorCode } from "@penstock/common";
import type { Tally } from "@penstock/proto";
import type { StreamSettings } from "./stream.ts";
import type { StreamNumbers } from "./stream-numbers.ts";

/** What the main thread tells a thread of streams. `id` names the stream. */
export type ToThread =
  | { readonly id: number; readonly kind: "open"; readonly settings: StreamSettings }
  | { readonly id: number; readonly kind: "toolEnded"; readonly graceMs: number }
  | { readonly id: number; readonly kind: "letEnd" }
  | { readonly id: number; readonly kind: "setPace"; readonly rate: BytesPerSecond | undefined }
  | { readonly id: number; readonly kind: "guardReleased" }
  | {
      readonly id: number;
      readonly kind: "guardHeld";
      readonly code: ErrorCode;
      readonly message: string;
    }
  | { readonly id: number; readonly kind: "close" }
  | { readonly id: number; readonly kind: "numbers" }
  | { readonly id: number; readonly kind: "exit" };

/** What it answers. */
export type FromThread =
  | { readonly id: number; readonly kind: "ready"; readonly port: number }
  | { readonly id: number; readonly kind: "open" }
  | {
      readonly id: number;
      readonly kind: "notOpen";
      readonly code: ErrorCode;
      readonly message: string;
    }
  | {
      readonly id: number;
      readonly kind: "notClosed";
      readonly code: ErrorCode;
      readonly message: string;
    }
  | { readonly id: number; readonly kind: "opened" }
  | { readonly id: number; readonly kind: "calledAgain" }
  | { readonly id: number; readonly kind: "ended"; readonly tally: Tally }
  | {
      readonly id: number;
      readonly kind: "failed";
      readonly code: ErrorCode;
      readonly message: string;
    }
  | { readonly id: number; readonly kind: "releaseGuard" }
  | { readonly id: number; readonly kind: "closed" }
  | { readonly id: number; readonly kind: "numbers"; readonly numbers: StreamNumbers }
  | {
      readonly id: number;
      readonly kind: "log";
      readonly level: "warn" | "error";
      readonly fields: object;
      readonly message: string;
    };
