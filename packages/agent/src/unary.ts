import type { handleUnaryCall } from "@grpc/grpc-js";
import { authorize, toGrpcError } from "@penstock/common";
import type { Logger } from "pino";

/** What every method needs. */
export interface UnarySurroundings {
  readonly cluster: string;
  readonly log: Logger;
}

/** What a line of the audit log says of a command. */
type AuditFields = Readonly<Record<string, unknown>>;

/**
 * A unary method from a function: only a controller of our cluster may call it, and its errors cross
 * the wire as ours. With `audit`, the command and what that returns are logged before it is done; nothing is if it
 * returns `undefined`.
 */
export function unary<Request, Response>(
  { cluster, log }: UnarySurroundings,
  handle: (request: Request) => Promise<Response>,
  audit?: (request: Request) => AuditFields | undefined | Promise<AuditFields | undefined>,
): handleUnaryCall<Request, Response> {
  const answer: (call: Parameters<handleUnaryCall<Request, Response>>[0]) => Promise<Response> =
    async (call) => {
      const caller = authorize(call, { roles: ["controller"], cluster });
      const audited = await audit?.(call.request);
      if (audited !== undefined) {
        const from = { caller: caller.name, peer: call.getPeer() };
        log.info({ audit: true, method: call.getPath(), ...from, ...audited }, "command");
      }
      return await handle(call.request);
    };
  return (call, reply) => {
    answer(call).then(
      (response) => reply(null, response),
      (error: unknown) => {
        reply(toGrpcError(error, (id, err) => log.error({ id, err }, "internal error")));
      },
    );
  };
}
