/**
 * A gRPC server that speaks the standard health protocol. SIGUSR2 switches between SERVING and NOT_SERVING, to see what
 * kubelet makes of it; SIGTERM says NOT_SERVING first, and drains.
 */
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { checkHandler, healthService } from './health.ts';

const { PORT: port = '50051', DRAIN_SECONDS: drainSeconds = '5', VERSION: version = '1' } = process.env;
let serving = true;
let draining = false;

const server = new Server();
server.addService(healthService, {
  // '' is the server as a whole: what a probe without `service` asks for.
  Check: checkHandler((service) =>
    service === '' || service === 'example' ? (serving && !draining ? 'SERVING' : 'NOT_SERVING') : undefined,
  ),
});

process.on('SIGUSR2', () => {
  serving = !serving;
  process.stdout.write(`${serving ? 'SERVING' : 'NOT_SERVING'}\n`);
});
process.on('SIGTERM', () => {
  draining = true;
  process.stdout.write(`draining for ${drainSeconds} s\n`);
  setTimeout(() => server.tryShutdown(() => process.exit(0)), Number(drainSeconds) * 1000);
});

server.bindAsync(`0.0.0.0:${port}`, ServerCredentials.createInsecure(), (error) => {
  if (error !== null) {
    throw error;
  }
  process.stdout.write(`version ${version} listens on ${port}\n`);
});
