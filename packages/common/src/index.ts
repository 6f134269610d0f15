export {
  abortable,
  type ByteStream,
  collect,
  flow,
  raceAbort,
  type Stage,
} from "./byte-stream.ts";
export { type Address, formatAddress, parseAddress, parseListenAddress } from "./config/address.ts";
export {
  type ConfigFile,
  type ConfigPath,
  type ConfigProblem,
  configError,
  configErrors,
  type ErrorAt,
} from "./config/config-file.ts";
export {
  addressField,
  countField,
  durationField,
  fileField,
  listenField,
  nameField,
  pathField,
  rateField,
  sizeField,
  textField,
} from "./config/fields.ts";
export { nameProblem, pathProblem } from "./config/text-checks.ts";
export { resolveTlsFiles, type TlsFiles, tlsField } from "./config/tls-files.ts";
export {
  type Bytes,
  type BytesPerSecond,
  formatDuration,
  formatRate,
  formatSize,
  type Milliseconds,
  parseDuration,
  parseRate,
  parseSize,
} from "./config/units.ts";
export { formatPath, listNames, quote, unknownName } from "./config/wording.ts";
export { loadYaml, parseYaml } from "./config/yaml-file.ts";
export {
  type ByteSink,
  type FrameSink,
  receiveBackup,
  receiveRestore,
  sendBackup,
  sendRestore,
} from "./data-path.ts";
export { errorText } from "./error-text.ts";
export {
  type ErrorCode,
  type ErrorPlace,
  EXIT_STATUS,
  hasCode,
  isAbortError,
  isErrno,
  PenstockError,
  toError,
  toPenstockError,
} from "./errors.ts";
export { countBuffersAsHeap } from "./external-memory.ts";
export { type AuthenticatedCall, authorize } from "./grpc/authorize.ts";
export { CHANNEL_OPTIONS, type ChannelPeer, createChannelCredentials } from "./grpc/channel.ts";
export { type Expected, type Identity, parseIdentity, ROLES, type Role } from "./grpc/identity.ts";
export { negotiate, PROTOCOL } from "./grpc/protocol.ts";
export { addStandardServices, type ServiceHost, type StandardServices } from "./grpc/reflection.ts";
export { createGrpcServer, GrpcServer, type GrpcServerOptions } from "./grpc/server.ts";
export { fromGrpcError, toGrpcError } from "./grpc/status.ts";
export { readCredentials, type TlsMaterial } from "./grpc/tls-material.ts";
export {
  type CodecName,
  type Manifest,
  manifestSchema,
  type Receipt,
  type StoredObject,
  type StreamKind,
  type ToolOutcome,
} from "./manifest.ts";
export { PART_BYTES, type PartsList, partsKey, partsSchema } from "./parts.ts";
export type { CertificateRequest } from "./pki/certificate-request.ts";
export {
  type CertificatePair,
  createAuthority,
  signCertificate,
  type Validity,
} from "./pki/certificates.ts";
export { showArgument } from "./secrets.ts";
export { codecSuffix, compress, decompress } from "./stages/codec.ts";
export { createDigest, type Digest, hashing } from "./stages/digest.ts";
export { AcceptingSource } from "./transfer/accepting.ts";
export {
  BLOCK_BYTES,
  Block,
  CHUNK_BYTES,
  HEADROOM_BYTES,
  hasHeadroom,
  withHeadroom,
} from "./transfer/block.ts";
export {
  type Channel,
  type ClientCall,
  createClientChannel,
  createServerChannel,
  type ServerCall,
} from "./transfer/channel.ts";
export type { ChannelSource, Connected } from "./transfer/channel-source.ts";
export { combineCrc32 } from "./transfer/crc-combine.ts";
export { DialingSource } from "./transfer/dialing.ts";
export {
  type CheckedFrame,
  deserializeTransfer,
  encodeFrame,
  serializeTransfer,
} from "./transfer/frame-codec.ts";
export { expectLife } from "./transfer/heartbeat.ts";
export { Receiver } from "./transfer/receiver.ts";
export { Sender } from "./transfer/sender.ts";
export { AGENT_SERVICE } from "./transfer/service.ts";
