import type { X509Certificate } from "node:crypto";

/**
 * Why a peer's certificate was not accepted, in words that follow the peer's name: "its certificate
 * has expired on …". `code` is OpenSSL's or Node's, as in `TLSSocket.authorizationError`.
 */
export function describeRejection(code: string, certificate: X509Certificate): string {
  switch (code) {
    case "CERT_HAS_EXPIRED":
      return describeExpiry(certificate);
    case "CERT_NOT_YET_VALID":
      return `its certificate is not valid before ${formatTime(certificate.validFromDate)}`;
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "CERT_SIGNATURE_FAILURE":
      return "its certificate was issued by another CA";
    case "INVALID_PURPOSE":
      return "its certificate is not for this purpose";
    default:
      return `its certificate is not accepted (${code})`;
  }
}

/** A moment in UTC, to the second: 2026-11-20T10:56:11Z. */
export function formatTime(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, "Z");
}

/** The authority that signed it may be what has expired. */
function describeExpiry(certificate: X509Certificate): string {
  const end = certificate.validToDate;
  if (end.getTime() > Date.now()) return "the certificate of its CA has expired";
  return `its certificate has expired on ${formatTime(end)}`;
}
