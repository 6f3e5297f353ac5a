import { describe, expect, test } from '@jest/globals';
import type { Obstacle } from '../obstacle.ts';
import { obstacleText } from './obstacle-text.ts';

const workload = { kind: 'Deployment', name: 'web' } as const;
const daemons = { kind: 'DaemonSet', name: 'agent' } as const;

describe('what keeps an Upgrade from acting', () => {
  test.each<[Obstacle, string]>([
    [
      { reason: 'TargetClaimed', workload, by: 'a' },
      'Upgrade a is older and acts on Deployment web: delete one of the two',
    ],
    [
      { reason: 'TargetNotFound', workload, namespace: 'shop', namesakes: ['StatefulSet', 'DaemonSet'] },
      'Deployment web does not exist in namespace shop, only a StatefulSet and a DaemonSet of that name: delete this Upgrade and create one for the workload that you mean',
    ],
    [
      { reason: 'ContainerNotFound', workload, missing: ['api', 'db'], there: ['web', 'proxy'] },
      'Deployment web has no container api, db: name one of web, proxy in spec.containers',
    ],
    [
      {
        reason: 'InvalidCheckContainer',
        workload,
        check: 'probe',
        wrong: { container: 'init', why: 'Init' },
      },
      'check probe names container init of Deployment web, which is an init container, which has ended before a check could run: name a regular container or a sidecar',
    ],
    [
      { reason: 'InvalidCheckContainer', workload, check: 'probe' },
      'check probe finds no container to run in: name some in its containers',
    ],
    [
      { reason: 'StagesUnsupported', workload, why: 'AllAtOnce' },
      'Deployment web cannot go in stages: it replaces all pods at once; set strategy.type to RollingUpdate',
    ],
    [
      { reason: 'StagesUnsupported', workload, why: 'Ungated' },
      'Deployment web cannot go in stages: they are held by the gate, so set spec.gate to Auto or Required',
    ],
    [
      { reason: 'StagesUnsupported', workload: daemons, why: 'OwnChoice' },
      'DaemonSet agent cannot go in stages: its controller chooses the nodes; set updateStrategy.type to OnDelete',
    ],
    [
      { reason: 'StagesUnsupported', workload, why: { nodesOf: 'canary' } },
      'stage canary names nodes, but only a DaemonSet has a pod a node: name pods',
    ],
    [
      { reason: 'DependencyCycle', circle: ['a', 'b', 'a'] },
      'spec.dependsOn goes in a circle, a → b → a: take one of them out',
    ],
    [{ reason: 'Refused', said: 'spec.replicas: must be positive' }, 'spec.replicas: must be positive'],
    [
      { reason: 'Forbidden', said: 'postcheck cannot patch deployments' },
      'postcheck cannot patch deployments',
    ],
    [
      { reason: 'NoEffect', write: { of: 'Partition', workload: daemons } },
      'a write of the partition of DaemonSet agent was accepted, and nothing came of it: look for an admission webhook, a policy or a controller that undoes it',
    ],
    [
      { reason: 'NoEffect', write: { of: 'Finalizers', upgrade: 'web', stands: ['a', 'b'] } },
      'a write of finalizers of Upgrade web (now a,b) was accepted, and nothing came of it: look for an admission webhook, a policy or a controller that undoes it',
    ],
    [
      { reason: 'NoEffect', write: { of: 'Condition', pod: 'web-0' } },
      'a write of condition postcheck.dev/verified of pod web-0 was accepted, and nothing came of it: look for an admission webhook, a policy or a controller that undoes it',
    ],
    [
      { reason: 'ImageRewritten', container: 'web', wanted: 'web:2', image: 'web:1' },
      'the API server answered image web:2 for container web with web:1 again: look for an admission policy that sets it',
    ],
  ])('%j', (obstacle, sentence) => {
    expect(obstacleText(obstacle)).toBe(sentence);
  });
});
