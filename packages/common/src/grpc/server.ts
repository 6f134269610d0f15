import {
  type ConnectionInjector,
  type Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { KEEPALIVE_OPTIONS, MESSAGE_OPTIONS } from "./options.ts";
import { createWindowedServer } from "./server-windows.ts";
import { TlsListener } from "./tls-listener.ts";
import type { TlsMaterial } from "./tls-material.ts";

/** How a server reports. */
export interface GrpcServerOptions {
  /**
   * A client was turned away before any call: its address and why, e.g. "controller c1: its
   * certificate has expired on 2026-11-20T10:56:11Z". For the log: the client itself learns less.
   */
  readonly onRefused: (address: string, reason: string) => void;
}

/** A gRPC server, not bound yet, that only holders of certificates of `material`'s CA can reach. */
export function createGrpcServer(material: TlsMaterial, options: GrpcServerOptions): GrpcServer {
  return new GrpcServer(material, options);
}

/**
 * A gRPC server behind mutual TLS with large windows. grpc-js is given only connections whose
 * certificate was checked; whether their owner may make a call is asked in each call: `authorize`.
 */
export class GrpcServer implements AsyncDisposable {
  readonly #material: TlsMaterial;
  readonly #options: GrpcServerOptions;
  readonly #grpc: Server;
  readonly #injector: ConnectionInjector;
  readonly #listeners: TlsListener[] = [];

  constructor(material: TlsMaterial, options: GrpcServerOptions) {
    this.#material = material;
    this.#options = options;
    this.#grpc = createWindowedServer({ ...MESSAGE_OPTIONS, ...KEEPALIVE_OPTIONS });
    // Insecure to grpc-js only: TLS ends at our listener, before a connection gets here.
    this.#injector = this.#grpc.createConnectionInjector(ServerCredentials.createInsecure());
  }

  /** Adds a service. Its handlers must call `authorize`. */
  addService(service: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    this.#grpc.addService(service, implementation);
  }

  /**
   * Listens at "host:port" and returns the port, which matters if 0 was asked for. May be called for
   * several addresses. Throws `usage` if the address is none or cannot be taken.
   */
  async bind(address: string): Promise<number> {
    const listener = await TlsListener.open(address, this.#material, {
      onConnection: (socket) => this.#injector.injectConnection(socket),
      onRefused: this.#options.onRefused,
    });
    this.#listeners.push(listener);
    return listener.port;
  }

  /**
   * Accepts no new connections and calls; resolves when the calls in flight have ended. If the signal
   * aborts first, cuts them off and throws the signal's reason.
   */
  async drain(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => this.abort();
    signal.addEventListener("abort", onAbort, { once: true });
    const ended = Promise.withResolvers<void>();
    this.#grpc.tryShutdown(() => ended.resolve());
    if (signal.aborted) onAbort();
    await Promise.all([ended.promise, ...this.#listeners.map((listener) => listener.close())]);
    signal.removeEventListener("abort", onAbort);
    signal.throwIfAborted();
  }

  /** Cuts every call and connection now. Repeating it is harmless. */
  abort(): void {
    this.#grpc.forceShutdown();
    for (const listener of this.#listeners) listener.abort();
  }

  /** Aborts, and waits until the ports are free. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.abort();
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }
}
