/** The fields of a core/v1 Probe's handler, and what a probe needs to know about its container. */

export interface HttpHeader {
  readonly name: string;
  readonly value: string;
}

/** A number, digits in a string, or the name of one of the container's ports. */
export type PortReference = number | string;

export interface ExecAction {
  readonly command?: readonly string[];
}

export interface HttpGetAction {
  readonly path?: string;
  readonly port: PortReference;
  /** The pod's IP if absent. It is resolved where the probe runs: `localhost` is not the pod. */
  readonly host?: string;
  /** `HTTP` if absent; case does not matter. */
  readonly scheme?: string;
  readonly httpHeaders?: readonly HttpHeader[];
}

export interface TcpSocketAction {
  readonly port: PortReference;
  /** The pod's IP if absent. */
  readonly host?: string;
}

export interface GrpcAction {
  readonly port: number;
  /** Sent in the HealthCheckRequest; the server as a whole if absent. */
  readonly service?: string | null;
}

/** Exactly one of the four is set. */
export interface ProbeHandler {
  readonly exec?: ExecAction;
  readonly httpGet?: HttpGetAction;
  readonly tcpSocket?: TcpSocketAction;
  readonly grpc?: GrpcAction;
}

export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
}

export interface EnvVar {
  readonly name: string;
  /** Absent with `valueFrom`: such a variable is not expanded to its value. */
  readonly value?: string;
}

/** The container that is probed. */
export interface ProbeTarget {
  /** IPv4 or IPv6 of the pod; empty before it has one. */
  readonly podIp: string;
  readonly ports?: readonly ContainerPort[];
  readonly env?: readonly EnvVar[];
}
