import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import { PROTO_PATH } from "@penstock/proto";

/** What services are added to: a GrpcServer, or grpc-js's own. */
export interface ServiceHost {
  addService(service: ServiceDefinition, implementation: UntypedServiceImplementation): void;
}

/** The standard services of a server. */
export interface StandardServices {
  /** What the health service answers from now on; `true` at first. */
  setServing(serving: boolean): void;
}

/**
 * Adds gRPC's server reflection, so that an operator's `grpcurl` can list and describe our calls, and
 * its health service. Anybody with a certificate of the cluster may call them; they change nothing.
 */
export async function addStandardServices(server: ServiceHost): Promise<StandardServices> {
  // Loaded here: only daemons need them, and they take time and memory.
  const [{ load }, { ReflectionService }, { HealthImplementation, protoPath }] = await Promise.all([
    import("@grpc/proto-loader"),
    import("@grpc/reflection"),
    import("grpc-health-check"),
  ]);
  const described = { ...(await load(PROTO_PATH)), ...(await load(protoPath)) };
  new ReflectionService(described).addToServer(server);
  const health = new HealthImplementation();
  health.addToServer(server);
  const services: StandardServices = {
    setServing(serving) {
      for (const name of HEALTH_NAMES) health.setStatus(name, serving ? "SERVING" : "NOT_SERVING");
    },
  };
  services.setServing(true);
  return services;
}

/** The server as a whole, and its service. */
const HEALTH_NAMES = ["", "penstock.v1.Agent"] as const;
