import { AgentService } from "@penstock/proto";
import { deserializeTransfer, serializeTransfer } from "./frame-codec.ts";

/** The Transfer method as gRPC wants it, with our own encoding. */
export interface TransferMethod {
  readonly path: string;
  readonly requestStream: true;
  readonly responseStream: true;
  readonly requestSerialize: typeof serializeTransfer;
  readonly requestDeserialize: typeof deserializeTransfer;
  readonly responseSerialize: typeof serializeTransfer;
  readonly responseDeserialize: typeof deserializeTransfer;
}

const transfer: TransferMethod = {
  path: AgentService.transfer.path,
  requestStream: true,
  responseStream: true,
  requestSerialize: serializeTransfer,
  requestDeserialize: deserializeTransfer,
  responseSerialize: serializeTransfer,
  responseDeserialize: deserializeTransfer,
};

/**
 * The Agent service with our own encoding of Transfer, the one method whose messages are large. On
 * the wire it is the same protocol.
 */
export const AGENT_SERVICE: Omit<typeof AgentService, "transfer"> & {
  readonly transfer: TransferMethod;
} = Object.assign({}, AgentService, { transfer });
