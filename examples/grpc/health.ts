/**
 * The standard gRPC health service, grpc.health.v1.Health, with the one method that kubelet calls.
 *
 *     message HealthCheckRequest  { string service = 1; }
 *     message HealthCheckResponse { ServingStatus status = 1; }   // 1 SERVING, 2 NOT_SERVING
 *     service Health { rpc Check(HealthCheckRequest) returns (HealthCheckResponse); }
 *
 * Two messages of one field each are encoded by hand below; an application that has more of its own brings generated code.
 */
import { type ServerUnaryCall, type ServiceDefinition, type sendUnaryData, status } from '@grpc/grpc-js';

export type Serving = 'SERVING' | 'NOT_SERVING';

/** An object, because @grpc/grpc-js takes a message that is falsy, such as '', for a missing one. */
export interface CheckRequest {
  readonly service: string;
}

export const healthService: ServiceDefinition = {
  Check: {
    path: '/grpc.health.v1.Health/Check',
    requestStream: false,
    responseStream: false,
    requestSerialize: ({ service }: CheckRequest) =>
      Buffer.concat([Buffer.from([0x0a, service.length]), Buffer.from(service)]),
    requestDeserialize: readRequest,
    responseSerialize: (serving: Serving) => Buffer.from([0x08, serving === 'SERVING' ? 1 : 2]),
    responseDeserialize: (bytes: Buffer): Serving => (bytes[1] === 1 ? 'SERVING' : 'NOT_SERVING'),
  },
};

/** The service's name: tag 0x0a, one byte of length, the text. An empty message asks for the server as a whole. */
function readRequest(bytes: Buffer): CheckRequest {
  if (bytes.length === 0) {
    return { service: '' };
  }
  if (bytes[0] !== 0x0a || bytes[1] !== bytes.length - 2) {
    throw new Error('not a HealthCheckRequest');
  }
  return { service: bytes.toString('utf8', 2) };
}

/** Answers Check from a function that knows; undefined is a service that this server does not have. */
export function checkHandler(servingOf: (service: string) => Serving | undefined) {
  return (call: ServerUnaryCall<CheckRequest, Serving>, callback: sendUnaryData<Serving>): void => {
    const serving = servingOf(call.request.service);
    if (serving === undefined) {
      callback({ code: status.NOT_FOUND, details: `unknown service ${call.request.service}` });
    } else {
      callback(null, serving);
    }
  };
}
