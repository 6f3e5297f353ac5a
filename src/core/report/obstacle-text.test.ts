import { describe, expect, test } from '@jest/globals';
import type { Obstacle } from '../obstacle.ts';
import { obstacleText } from './obstacle-text.ts';

const workload = { kind: 'Deployment', name: 'web' } as const;
const daemons = { kind: 'DaemonSet', name: 'agent' } as const;

describe('what keeps an Upgrade from acting', () => {
  test.each<[Obstacle, string]>([
    [
      { reason: 'TargetClaimed', workload, by: 'a' },
      'Upgrade a already acts on Deployment web: delete one of the two',
    ],
    [
      { reason: 'TargetNotFound', workload, namespace: 'shop', namesakes: ['StatefulSet', 'DaemonSet'] },
      'Deployment web does not exist in namespace shop, only a StatefulSet and a DaemonSet of that name: delete this Upgrade and create one for the workload that you mean',
    ],
    [
      { reason: 'ContainerNotFound', workload, missing: ['api', 'db'], existing: ['web', 'proxy'] },
      'Deployment web has no container api, db, only web, proxy: correct spec.containers',
    ],
    [
      {
        reason: 'InvalidCheckContainer',
        workload,
        check: 'probe',
        wrong: { container: 'init', why: 'Init' },
      },
      'check probe names container init of Deployment web, which is an init container that ends before the check runs: name a regular container or a sidecar',
    ],
    [
      { reason: 'InvalidCheckContainer', workload, check: 'probe' },
      'check probe has no container to run in: list some in its containers',
    ],
    [
      { reason: 'StagesUnsupported', workload, why: 'AllAtOnce' },
      'Deployment web does not support stages: it replaces all pods at once; set the type of its update strategy to RollingUpdate',
    ],
    [
      { reason: 'StagesUnsupported', workload, why: 'Ungated' },
      'Deployment web does not support stages: its stages need the gate, so set spec.gate to Auto or Required',
    ],
    [
      { reason: 'StagesUnsupported', workload: daemons, why: 'OwnChoice' },
      'DaemonSet agent does not support stages: its controller chooses the nodes; set updateStrategy.type to OnDelete',
    ],
    [
      { reason: 'StagesUnsupported', workload, why: { nodesOf: 'canary' } },
      'stage canary selects nodes, which only a DaemonSet supports: set pods instead',
    ],
    [
      { reason: 'DependencyCycle', cycle: ['a', 'b', 'a'] },
      'spec.dependsOn has a cycle, a → b → a: remove one of them',
    ],
    [{ reason: 'DependencyCycle', cycle: ['a', 'a'] }, 'it depends on itself: remove a from spec.dependsOn'],
    [
      { reason: 'TargetNotFound', workload, namespace: 'shop', namesakes: [] },
      'Deployment web does not exist in namespace shop: create it, or delete this Upgrade and create one for the workload that you mean',
    ],
    [
      {
        reason: 'InvalidCheckContainer',
        workload,
        check: 'probe',
        wrong: { container: 'gone', why: 'Missing' },
      },
      'check probe names container gone of Deployment web, which does not exist: name a regular container or a sidecar',
    ],
    [
      { reason: 'WorkloadPaused', workload, namespace: 'shop' },
      'Deployment web is paused, so nothing rolls: run `kubectl rollout resume deployment/web -n shop`',
    ],
    [
      { reason: 'PartitionSet', workload: { kind: 'StatefulSet', name: 'db' }, partition: 3, kept: [2] },
      'StatefulSet db has updateStrategy.rollingUpdate.partition 3, which keeps a pod on the version that failed: set it to 2',
    ],
    [
      { reason: 'PartitionSet', workload: { kind: 'StatefulSet', name: 'db' }, partition: 3, kept: [2, 1] },
      'StatefulSet db has updateStrategy.rollingUpdate.partition 3, which keeps 2 pods on the version that failed: set it to 1',
    ],
    [
      { reason: 'ScopeUnsupported', workload },
      'spec.fallback.scope is FailedPods, but the controller of Deployment web replaces all its pods by itself: set updateStrategy.type to OnDelete, or the scope to All',
    ],
    [
      { reason: 'TimeZoneUnknown', timeZone: 'Mars/Olympus' },
      'spec.windows names time zone Mars/Olympus, which does not exist: write an IANA name such as Asia/Taipei, or UTC',
    ],
    [
      { reason: 'PrometheusMissing' },
      "spec.postCheck.rolloutChecks needs a Prometheus, and the operator has no --prometheus-url (the chart's prometheus.url): configure one, or remove the checks",
    ],
    [
      { reason: 'DependencyNotFound', upgrade: 'db', namespace: 'shop' },
      'spec.dependsOn names Upgrade db, which does not exist in namespace shop: create it, or remove it from spec.dependsOn',
    ],
    [
      { reason: 'ImagesTooLong', workload, bytes: 20_000, max: 16_384 },
      'the images of Deployment web take 20000 bytes with the names of their containers, but the status has room for 16384: use shorter references',
    ],
    [
      { reason: 'GateUnavailable' },
      'spec.gate is Required, but neither the gate policy nor the gate webhook acts in this namespace (gate.carrier of the chart): install one, or set spec.gate to Auto',
    ],
    [{ reason: 'Paused' }, 'paused by spec.paused'],
    [
      { reason: 'NoEffect', write: { of: 'Status' } },
      'the API server stores a different status than postcheck writes: apply the CRD of this version of postcheck, or check for an admission webhook that changes it',
    ],
    [
      { reason: 'NoEffect', write: { of: 'ManagedFields', workload } },
      'a write of managedFields of Deployment web was accepted but had no effect: check for an admission webhook, a policy or a controller that reverts it',
    ],
    [{ reason: 'Refused', message: 'spec.replicas: must be positive' }, 'spec.replicas: must be positive'],
    [
      { reason: 'Forbidden', message: 'postcheck cannot patch deployments' },
      'postcheck cannot patch deployments',
    ],
    [
      { reason: 'NoEffect', write: { of: 'Partition', workload: daemons } },
      'a write of the partition of DaemonSet agent was accepted but had no effect: check for an admission webhook, a policy or a controller that reverts it',
    ],
    [
      { reason: 'NoEffect', write: { of: 'Finalizers', upgrade: 'web', current: ['a', 'b'] } },
      'a write of finalizers of Upgrade web (now a,b) was accepted but had no effect: check for an admission webhook, a policy or a controller that reverts it',
    ],
    [
      { reason: 'NoEffect', write: { of: 'Condition', pod: 'web-0' } },
      'a write of condition postcheck.dev/verified of pod web-0 was accepted but had no effect: check for an admission webhook, a policy or a controller that reverts it',
    ],
    [
      { reason: 'ImageRewritten', container: 'web', wanted: 'web:2', image: 'web:1' },
      'the API server stored image web:1 again instead of web:2 for container web: check for an admission policy that sets it',
    ],
  ])('%j', (obstacle, sentence) => {
    expect(obstacleText(obstacle)).toBe(sentence);
  });
});
