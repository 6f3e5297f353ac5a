/** How long the gate's webhook takes for an answer, TLS and a kept connection included: `node test/bench/webhook.ts`. Prints, and judges nothing. */
import { Agent, request } from 'node:https';
import { stdout } from 'node:process';
import type { Upgrade } from '../../src/api/types.ts';
import { gatePatch } from '../../src/core/gate.ts';
import { renewed } from '../../src/kube/webhook/rotation.ts';
import { serve } from '../../src/telemetry/http.ts';
import { GATE_PATH, WEBHOOK_LIMITS, webhookRoutes } from '../../src/webhook.ts';

const REQUESTS = 2000;
const NOTHING = { authorities: '', authorityKey: '', leaf: { cert: '', key: '' } };

const held = renewed(NOTHING, ['127.0.0.1'], Date.now()) ?? NOTHING;
const gating = {
  status: { attempt: { gating: true }, from: { images: { web: 'web:1' } } },
} as unknown as Upgrade;
const server = await serve(
  { host: '127.0.0.1', port: 0 },
  webhookRoutes((pod) => gatePatch(pod, [gating])),
  () => held.leaf,
  WEBHOOK_LIMITS,
);
const agent = new Agent({ ca: held.authorities, keepAlive: true, maxSockets: 1 });

/** As an API server asks about a pod with this many variables. */
const review = (variables: number): string =>
  JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'e5f1',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      namespace: 'shop',
      operation: 'CREATE',
      object: {
        kind: 'Pod',
        metadata: {
          labels: { 'pod-template-hash': '6d5f' },
          ownerReferences: [
            { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-6d5f', controller: true },
          ],
        },
        spec: {
          containers: [
            {
              name: 'web',
              image: 'web:2',
              env: Array.from({ length: variables }, (_, index) => ({
                name: `V${index}`,
                value: 'x'.repeat(50),
              })),
            },
          ],
        },
      },
    },
  });

async function ask(body: string): Promise<number> {
  const began = performance.now();
  await new Promise<void>((resolve, reject) => {
    const asking = request(`https://${server.address}${GATE_PATH}`, {
      method: 'POST',
      agent,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    });
    asking.on('response', (response) => response.on('end', resolve).resume());
    asking.on('error', reject);
    asking.end(body);
  });
  return performance.now() - began;
}

for (const variables of [20, 200, 2000]) {
  const body = review(variables);
  const took: number[] = [];
  for (let index = 0; index < REQUESTS; index++) {
    took.push(await ask(body));
  }
  took.sort((a, b) => a - b);
  const at = (part: number) => (took[Math.floor(part * (REQUESTS - 1))] ?? 0).toFixed(2);
  stdout.write(
    `${(body.length / 1024).toFixed(1)} KiB: median ${at(0.5)} ms, 99th percentile ${at(0.99)} ms\n`,
  );
}
agent.destroy();
await server.close(0);
