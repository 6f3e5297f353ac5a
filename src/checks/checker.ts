/** The checks of an Upgrade that ask over the network, with kubelet's probers. */
import type { Check } from '../api/types.ts';
import type { ProbeAnswer, ProbeRequest, Prober } from '../engine/ports.ts';
import { probe } from './prober.ts';
import type { ProbeOutcome } from './result.ts';
import type { ProbeHandler } from './spec.ts';

/** The handler alone: exec goes through the API server and never comes here. */
function handlerOf({ httpGet, tcpSocket, grpc }: Check): ProbeHandler {
  return { ...(httpGet ? { httpGet } : {}), ...(tcpSocket ? { tcpSocket } : {}), ...(grpc ? { grpc } : {}) };
}

/** Success and warning are good. A failure of an application that was reached is bad; everything else says nothing about it. */
function answerOf({ result, reached, output, error }: ProbeOutcome): ProbeAnswer {
  if (result === 'success' || result === 'warning') {
    return { kind: 'answered', good: true, output };
  }
  if (result === 'failure' && reached) {
    return { kind: 'answered', good: false, output: output || (error ?? '') };
  }
  return { kind: 'unconnected', message: (error ?? output).slice(0, 500) };
}

export const networkProber: Prober = {
  async probe({ check, podIp, ports }: ProbeRequest, signal: AbortSignal): Promise<ProbeAnswer> {
    const named = Object.entries(ports).map(([name, containerPort]) => ({ name, containerPort }));
    const timeoutMs = check.timeoutSeconds * 1000;
    return answerOf(
      await probe(handlerOf(check), { podIp, ports: named }, { timeoutMs, totalMs: timeoutMs, signal }),
    );
  },
};
