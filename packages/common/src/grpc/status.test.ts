import type { IncomingHttpHeaders } from "node:http2";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ErrorCode, EXIT_STATUS, isAbortError, PenstockError } from "../errors.ts";
import { fromGrpcError, toGrpcError } from "./status.ts";

const CODES = Object.keys(EXIT_STATUS) as ErrorCode[];
const SENDABLE = CODES.filter((code) => code !== "internal");

/** What arrives of an error: grpc-js rebuilds it from status, message and trailers. */
function overTheWire({ code, details, metadata }: ServiceError): ServiceError {
  const trailers = Metadata.fromHttp2Headers(metadata.toHttp2Headers() as IncomingHttpHeaders);
  const message = decodeURI(encodeURI(details));
  return Object.assign(new Error(message), { code, details: message, metadata: trailers });
}

/** An error that gRPC itself made up. */
function grpcError(code: status, details: string): ServiceError {
  return Object.assign(new Error(details), { code, details, metadata: new Metadata() });
}

describe("our errors", () => {
  test("arrive as they were, after the name of whoever sent them", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SENDABLE),
        fc.string({ unit: "grapheme", maxLength: 200 }),
        fc.option(fc.string({ unit: "grapheme", minLength: 1 }), { nil: undefined }),
        fc.option(
          fc.record({
            list: fc.constantFrom("streams", "tools"),
            index: fc.nat(),
            field: fc.string(),
          }),
          { nil: undefined },
        ),
        (code, message, hint, place) => {
          const details = { ...(hint !== undefined && { hint }), ...(place && { place }) };
          const sent = new PenstockError(code, message, details);
          const received = fromGrpcError(overTheWire(toGrpcError(sent)), "agent sdw1");
          expect(received).toMatchObject({ code, message: `agent sdw1: ${message}`, hint, place });
        },
      ),
    );
  });

  test("have a gRPC status of their own each", () => {
    const statuses = CODES.map((code) => toGrpcError(new PenstockError(code, "x")).code);
    expect(new Set(statuses).size).toBe(CODES.length);
    expect(toGrpcError(new PenstockError("locked", "x")).code).toBe(status.ALREADY_EXISTS);
  });

  test("are cut when they are too long for a header", () => {
    const sent = toGrpcError(new PenstockError("failed", "é".repeat(100_000)));
    expect(encodeURI(sent.details).length).toBeLessThan(60_000);
    expect(sent.details.endsWith("é…")).toBe(true);
  });

  test("may hold half a character, which grpc-js could not send", () => {
    const sent = toGrpcError(new PenstockError("failed", `path ${"\ud83d"}`));
    expect(fromGrpcError(overTheWire(sent), "a").message).toBe("a: path \ufffd");
  });
});

describe("a fault of the other side", () => {
  test.each([
    ["an unknown error", new TypeError("secret is undefined")],
    ["an internal one", new PenstockError("internal", "secret is undefined")],
  ])("%s crosses as an id; the rest stays in its log", (_, fault) => {
    const log: { id: string; error: Error }[] = [];
    const sent = overTheWire(toGrpcError(fault, (id, error) => void log.push({ id, error })));
    const received = fromGrpcError(sent, "agent sdw1");
    expect(log).toEqual([{ id: expect.stringMatching(/^[0-9a-f]{8}$/), error: fault }]);
    expect(received).toMatchObject({
      code: "internal",
      message: `agent sdw1: internal error ${log[0]?.id}`,
      hint: `look for ${log[0]?.id} in the log on that host`,
    });
    expect(JSON.stringify([sent.details, sent.metadata.toJSON()])).not.toContain("secret");
  });

  test.each([
    ["no ErrorDetail", Buffer.from([0xff, 0xff, 0xff])],
    ["a code that we do not know", Buffer.from("\n\u0004late")],
  ])("a trailer with %s leaves what the status says", (_, trailer) => {
    const error = grpcError(status.NOT_FOUND, "no such run");
    error.metadata.set("penstock-error-bin", trailer);
    expect(fromGrpcError(error, "agent sdw1")).toMatchObject({
      code: "not_found",
      message: "agent sdw1: no such run",
    });
  });
});

describe("a cancellation", () => {
  test("of our own is an AbortError", () => {
    const error = fromGrpcError(grpcError(status.CANCELLED, "Cancelled on client"), "agent sdw1");
    expect(isAbortError(error)).toBe(true);
  });

  test("by the other side is a failure", () => {
    const aborted = new DOMException("run aborted", "AbortError");
    for (const sent of [grpcError(status.CANCELLED, "Call cancelled"), toGrpcError(aborted)]) {
      expect(fromGrpcError(overTheWire(sent), "agent sdw1")).toMatchObject({
        code: "unreachable",
        message: "agent sdw1: it broke off the call",
      });
    }
  });

  test("that is none of gRPC's passes unchanged", () => {
    const aborted = new DOMException("enough", "AbortError");
    expect(fromGrpcError(aborted, "agent sdw1")).toBe(aborted);
  });
});

describe("what gRPC itself reports", () => {
  test.each([
    [status.DEADLINE_EXCEEDED, "Deadline exceeded after 3s", "unreachable", "no answer in time"],
    [status.UNAVAILABLE, "Connection dropped", "unreachable", "the connection broke off"],
    [status.UNAVAILABLE, "read ECONNRESET", "unreachable", "the connection broke off"],
    [status.UNAVAILABLE, "something new", "unreachable", "something new"],
    [status.INTERNAL, "Received RST_STREAM with code 2", "unreachable", "the connection broke off"],
    [status.INTERNAL, "bad frame", "internal", "bad frame"],
    [status.UNIMPLEMENTED, "no method", "failed", "it does not know this call"],
    [status.RESOURCE_EXHAUSTED, "message larger than max", "failed", "message larger than max"],
    [
      status.UNAVAILABLE,
      "No connection established. Last error: Error: connect EHOSTUNREACH 192.0.2.1:1. Resolution note: ",
      "unreachable",
      "there is no route to it",
    ],
    [
      status.UNAVAILABLE,
      "No connection established. Last error: Error: connect ETIMEDOUT 192.0.2.1:1. Resolution note: ",
      "unreachable",
      "it does not answer",
    ],
  ])("status %i, %s", (code, details, expected, message) => {
    const error = fromGrpcError(grpcError(code, details), "agent sdw1");
    expect(error).toMatchObject({ code: expected, message: `agent sdw1: ${message}` });
  });

  test("is kept as the cause", () => {
    const error = grpcError(status.UNKNOWN, "odd");
    expect(fromGrpcError(error, "agent sdw1").cause).toBe(error);
  });
});

describe("what does not come from gRPC", () => {
  test("is wrapped, unless it is ours already", () => {
    const ours = new PenstockError("damaged", "flipped byte");
    expect(fromGrpcError(ours, "agent sdw1")).toBe(ours);
    expect(fromGrpcError(new Error("oops"), "agent sdw1")).toMatchObject({
      code: "failed",
      message: "agent sdw1: oops",
    });
  });
});
