/** The tcpSocket probe. */
import { connectTcp } from './connection.ts';
import { Deadline } from './deadline.ts';
import { resolvePort } from './port.ts';
import { failure, type ProbeLimits, type ProbeOutcome, success, unknown } from './result.ts';
import type { ProbeTarget, TcpSocketAction } from './spec.ts';

/**
 * Runs a tcpSocket probe: an established connection is success, anything else is failure. Nothing is sent. (Kubelet closes with a linger of one second
 * to avoid TIME-WAIT entries on the node; Node has no such option.)
 */
export async function probeTcpSocket(
  action: TcpSocketAction,
  target: ProbeTarget,
  limits: ProbeLimits,
): Promise<ProbeOutcome> {
  const resolved = resolvePort(action.port, target.ports ?? []);
  if (!resolved.ok) {
    return unknown(resolved.error);
  }
  const host = action.host || target.podIp;
  if (host === '') {
    return unknown('the pod has no IP yet');
  }
  return dialTcp(host, resolved.port, limits);
}

/** Connects and closes. Any address without a connection, even an invalid one, is a failure. */
export async function dialTcp(host: string, port: number, limits: ProbeLimits): Promise<ProbeOutcome> {
  const deadline = new Deadline(limits.timeoutMs, limits.signal);
  try {
    const connection = await connectTcp(host, port, deadline);
    if (connection.ok) {
      connection.socket.destroy();
      return success('');
    }
    return deadline.aborted ? unknown('aborted') : failure(connection.why, false);
  } finally {
    deadline.dispose();
  }
}
