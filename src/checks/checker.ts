/** The checks of an Upgrade that ask over the network, with kubelet's probers. */

import { probe } from '../../packages/kubelet-prober/src/prober.ts';
import type { ProbeOutcome } from '../../packages/kubelet-prober/src/result.ts';
import type { ProbeHandler } from '../../packages/kubelet-prober/src/spec.ts';
import { cut } from '../api/cut.ts';
import { printable, printableLine } from '../api/printable.ts';
import type { Check } from '../api/types.ts';
import type { ProbeAnswer, ProbeRequest, Prober } from '../engine/ports.ts';
import { whyNotProbed } from './pod-address.ts';

/**
 * The handler alone: exec goes through the API server and never comes here. Field by field, so that what the probers could do beyond (ask another host)
 * cannot come from an Upgrade, whatever schema the API server has.
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
 * Success and warning are good. A failure of an application that was reached is bad; everything else says nothing about it. Here, and only here, the
 * words of an application that was asked over the network come in.
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

/** Asks pods at their own address; `whyNot` tells the addresses that are not asked. */
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
