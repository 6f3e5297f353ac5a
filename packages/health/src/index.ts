/** What an application embeds: answer on a socket, or leave a heartbeat. The command `postcheck-health` asks either. */
export type { HealthCheck, HealthVerdict } from './check-runner.ts';
export { askHealth } from './client.ts';
export { type HealthReply, healthCode } from './health-codes.ts';
export { type Heartbeat, type HeartbeatOptions, startHeartbeat } from './heartbeat.ts';
export { type HealthServer, type HealthServerOptions, startHealthServer } from './server.ts';
