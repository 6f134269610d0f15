import { type Channel, deserializeTransfer, type PenstockError } from "@penstock/common";

/** What a side may send. */
export type Outgoing = Parameters<Channel["send"]>[0];
/** A message as its receiver gets it. */
export type TransferBody = Awaited<ReturnType<Channel["next"]>>;

/** What travels in one direction of a connection. */
export type Parcel =
  | { readonly kind: "message"; readonly bytes: Buffer }
  /** The sender of this direction has ended it well. */
  | { readonly kind: "end" }
  /** The server has ended the connection with a status. */
  | { readonly kind: "error"; readonly error: PenstockError }
  /** The connection is broken, or was cut. */
  | { readonly kind: "reset" };

/** The message in it. A flipped bit is in a payload: gRPC's own framing is checked by TLS. */
export function decodeParcel(parcel: Parcel, isCorrupted: boolean): TransferBody {
  const body = bodyOf(parcel);
  if (!isCorrupted || body?.$case !== "frame") return body;
  const data = Buffer.from(body.value.data);
  const middle = data.length >> 1;
  data[middle] = (data[middle] ?? 0) ^ 0x10;
  return { $case: "frame", value: { ...body.value, data } };
}

/** The message in it, if it is one. */
export function bodyOf(parcel: Parcel): TransferBody {
  return parcel.kind === "message" ? deserializeTransfer(parcel.bytes).message : undefined;
}

/** For the trace. */
export function describeParcel(parcel: Parcel): string {
  if (parcel.kind === "error") return `an error: ${parcel.error.message}`;
  if (parcel.kind !== "message") return parcel.kind;
  const body = bodyOf(parcel);
  switch (body?.$case) {
    case "frame":
      return `frame ${body.value.offset}+${body.value.data.length}`;
    case "ack":
    case "open":
    case "opened":
      return `${body.$case} ${body.value.offset}`;
    default:
      return body?.$case ?? "nothing";
  }
}
