/** For applications: serve health requests on a socket, or write a heartbeat. The command `postcheck-health` checks either. */
export type { HealthCheck, HealthVerdict } from './check-runner.ts';
export { askHealth } from './client.ts';
export { type HealthReply, healthCode } from './health-codes.ts';
export { type Heartbeat, type HeartbeatOptions, startHeartbeat } from './heartbeat.ts';
export { type HealthServer, type HealthServerOptions, startHealthServer } from './server.ts';
