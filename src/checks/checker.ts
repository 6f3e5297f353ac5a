/** Runs the network checks of an Upgrade with kubelet's probers. */

import { probe } from '../../packages/kubelet-prober/src/prober.ts';
import type { ProbeOutcome } from '../../packages/kubelet-prober/src/result.ts';
import type { ProbeHandler } from '../../packages/kubelet-prober/src/spec.ts';
import { cut } from '../api/cut.ts';
import { printable, printableLine } from '../api/printable.ts';
import type { Check } from '../api/types.ts';
import type { ProbeAnswer, ProbeRequest, Prober } from '../engine/ports.ts';
import { whyNotProbed } from './pod-address.ts';

/**
 * Returns the handler of a network check; exec goes through the API server instead. It is copied field by field, so that an Upgrade cannot use what
 * the probers support beyond its schema, such as another host, whatever schema the API server has.
 */
function handlerOf({ httpGet, tcpSocket, grpc }: Check): ProbeHandler {
  if (httpGet) {
    const { path, port, scheme, httpHeaders } = httpGet;
    return { httpGet: { ...(path === undefined ? {} : { path }), port, scheme, httpHeaders } };
  }
  return tcpSocket
    ? { tcpSocket: { port: tcpSocket.port } }
    : { ...(grpc ? { grpc: { port: grpc.port, service: grpc.service } } : {}) };
}

/**
 * Success and warning pass. A failure of an application that was reached is evidence; everything else is not. This is the only place where the
 * response of an application enters the operator.
 */
function answerOf({ result, reached, output, error }: ProbeOutcome): ProbeAnswer {
  if (result === 'success' || result === 'warning') {
    return { kind: 'answered', good: true, output: printable(output) };
  }
  if (result === 'failure' && reached) {
    return { kind: 'answered', good: false, output: printable(output || (error ?? '')) };
  }
  return { kind: 'unconnected', message: printableLine(cut(error ?? output, 500)) };
}

/** Probes pods at their own address; `whyNot` rejects addresses that must not be probed. */
export function networkProber(whyNot: (podIp: string) => string | undefined = whyNotProbed): Prober {
  return {
    async probe({ check, podIp, ports }: ProbeRequest, signal: AbortSignal): Promise<ProbeAnswer> {
      const refusal = whyNot(podIp);
      if (refusal !== undefined) {
        return { kind: 'unconnected', message: refusal };
      }
      const named = Object.entries(ports).map(([name, containerPort]) => ({ name, containerPort }));
      const timeoutMs = check.timeoutSeconds * 1000;
      return answerOf(
        await probe(handlerOf(check), { podIp, ports: named }, { timeoutMs, totalMs: timeoutMs, signal }),
      );
    },
  };
}
