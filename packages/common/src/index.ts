export {
  abortable,
  type ByteStream,
  collect,
  flow,
  raceAbort,
  type Stage,
} from "./byte-stream.ts";
export { type Clock, systemClock } from "./clock.ts";
export { type Address, formatAddress, parseAddress, parseListenAddress } from "./config/address.ts";
export {
  type ConfigFile,
  type ConfigPath,
  type ConfigProblem,
  configError,
  configErrors,
  type ErrorAt,
} from "./config/config-file.ts";
export { unexpected } from "./config/describe-issue.ts";
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
export { type MetricsSettings, metricsField } from "./config/metrics-field.ts";
export { nameProblem, pathProblem } from "./config/text-checks.ts";
export { resolveTlsFiles, type TlsFiles, tlsField } from "./config/tls-files.ts";
export {
  type Bytes,
  type BytesPerSecond,
  DURATION_ALLOWED,
  formatDuration,
  formatRate,
  formatSize,
  type Milliseconds,
  parseDuration,
  parseRate,
  parseSize,
  RATE_ALLOWED,
} from "./config/units.ts";
export { formatPath, listNames, quote, unknownName } from "./config/wording.ts";
export { loadYaml, parseYaml } from "./config/yaml-file.ts";
export {
  type ByteSink,
  type FrameSink,
  receiveBackup,
  receiveRestore,
  type SendingEnd,
  type SendingForm,
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
export type { FormatCheck } from "./formats/format-check.ts";
export {
  FORMAT_NAMES,
  type FormatName,
  isFormatName,
  openFormatCheck,
} from "./formats/formats.ts";
export { type AuthenticatedCall, authorize } from "./grpc/authorize.ts";
export { CHANNEL_OPTIONS, type ChannelPeer, createChannelCredentials } from "./grpc/channel.ts";
export { type Expected, type Identity, parseIdentity, ROLES, type Role } from "./grpc/identity.ts";
export { negotiate, PROTOCOL } from "./grpc/protocol.ts";
export { addStandardServices, type ServiceHost, type StandardServices } from "./grpc/reflection.ts";
export { createGrpcServer, GrpcServer, type GrpcServerOptions } from "./grpc/server.ts";
export { WINDOW_BYTES } from "./grpc/server-windows.ts";
export { fromGrpcError, toGrpcError } from "./grpc/status.ts";
export { readCredentials, type TlsMaterial } from "./grpc/tls-material.ts";
export { lockByName } from "./lock-by-name.ts";
export { LOG_FIELD, LOG_FORMATTERS, type LogFields, redacted } from "./log.ts";
export {
  type CodecName,
  type Manifest,
  manifestSchema,
  type Receipt,
  receiptSchema,
  type StoredObject,
  type StreamKind,
  sizesOf,
  type ToolOutcome,
} from "./manifest.ts";
export type { Metric, Sample } from "./metrics/metric.ts";
export type { MetricsServer } from "./metrics/metrics-server.ts";
export { renderMetrics } from "./metrics/render-metrics.ts";
export { serveMetrics } from "./metrics/serve-metrics.ts";
export { isNameTaken, nameTaken } from "./name-taken.ts";
export { assertOpenFiles, type OpenFiles } from "./open-files.ts";
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
export { Pace } from "./stages/pace.ts";
export { AcceptingSource } from "./transfer/accepting.ts";
export {
  BLOCK_BYTES,
  Block,
  CHUNK_BYTES,
  giveBack,
  HEADROOM_BYTES,
  hasHeadroom,
  keep,
  withHeadroom,
} from "./transfer/block.ts";
export { BlockFiller } from "./transfer/block-filler.ts";
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
