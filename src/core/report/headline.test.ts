import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { headline } from './headline.ts';

describe('the headline of a sentence', () => {
  test.each([
    ['short enough', 'Deployment web is paused', 'Deployment web is paused'],
    [
      'without registries',
      'Deployment web runs web=registry.example/team/web:2.0, log=registry.example/log:7, verified on 3 of 3 pods in 5s',
      'Deployment web runs web=web:2.0, log=log:7, verified on 3 of 3 pods in 5s',
    ],
    [
      'with short digests',
      `Checking web=registry.example/web@sha256:${'0123456789abcdef'.repeat(4)}: 1 of 3 pods passed`,
      'Checking web=web@sha256:0123456789ab: 1 of 3 pods passed',
    ],
    [
      'with what happened, and not where',
      'web:1.9 runs again, verified on 3 pods; web:2.0 failed: pod web-746dd5cf99-jxxz5 on node-3 (and 2 more): readiness-probe in container web exited 17 (ProbeFailed) until the deadline of 10m',
      'web:1.9 runs again, verified on 3 pods; web:2.0 failed: readiness-probe exited 17 (ProbeFailed)',
    ],
    [
      'with what happened, and not what another column has',
      'web:1.9 runs again, verified on 1 pod; web:2.0 failed: pod web-d8bb-a: not ready: condition target-health.elbv2.k8s.aws/web is not True until the deadline of 40s',
      'web:1.9 runs again; web:2.0 failed: not ready: condition target-health.elbv2.k8s.aws/web is not True',
    ],
    [
      'not ended at a clause that says too little',
      'spec.fallback.scope is FailedPods, but the controller of DaemonSet fleet replaces all its pods by itself: set updateStrategy.type to OnDelete, or the scope to All',
      'spec.fallback.scope is FailedPods, but the controller of DaemonSet fleet replaces all its pods by…',
    ],
    [
      'ended before a bracket that has no room',
      'app:1, app:1 runs again, verified on 1 pod; app:2, migrate:9 failed: pod web-5f64-h on node-3: image migrate:9 cannot be pulled (ErrImagePull: connect: connection refused)',
      'app:1, app:1 runs again; app:2, migrate:9 failed: image migrate:9 cannot be pulled',
    ],
    [
      'with why a fallback failed',
      'The fallback from web:2.0 to web:1.9 did not complete, manual intervention is required: pod web-746d-a on node-1 (and 2 more): readiness-probe in container web exited 17 (ProbeFailed) until the deadline of 10m; the fallback failed too: pod web-7d9c-a on node-1: readiness-probe in container web exited 17 (ProbeFailed)',
      'The fallback from web:2.0 to web:1.9 did not complete: readiness-probe exited 17 (ProbeFailed)',
    ],
    [
      'with why a fallback failed, and not with why the version did',
      'The fallback from web:2.0 to web:1.9 did not complete, manual intervention is required: pod web-746d-a on node-1 (and 2 more): readiness-probe in container web exited 17 (ProbeFailed) until the deadline of 10m; the fallback could not be verified: no progress for 15m: pods "web-7d9c-a" is forbidden: exceeded quota: compute, requested: pods=1: resolve that, and its controller creates the pods',
      'The fallback from web:2.0 to web:1.9 did not complete: no progress for 15m: exceeded quota: compute',
    ],
    [
      'with why no pod can be made',
      'Rolling Deployment web from web:1.9 to web:2.0: 0 of 3 updated, 0 passed; pods "web-746dd5cf99-jxxz5" is forbidden: exceeded quota: small, requested: pods=1, used: pods=3, limited: pods=3',
      'Rolling to web:2.0: 0 of 3 updated, 0 passed; exceeded quota: small, requested: pods=1, used: pods=3',
    ],
    [
      'with where, while there is room',
      'Verifying web:2.0: 0 of 3 pods passed; pod web-746d-a on node-1: not probed yet',
      'Verifying web:2.0: 0 of 3 pods passed; pod web-746d-a on node-1: not probed yet',
    ],
    [
      'ended at a clause, and before a bracket that stays open',
      'Verifying web:2.0, migrate:9: 0 of 1 pod passed; pod web-746dd5cf99-jxxz5: image migrate:9 cannot be pulled (ErrImagePull: connect: connection refused)',
      'Verifying web:2.0, migrate:9: 0 of 1 pod passed; image migrate:9 cannot be pulled',
    ],
    [
      'ended at a clause',
      'No verdict on web:2.0 yet: 0 of 3 pods passed; pod web-746d-a: not ready: no node fits: 3 Insufficient memory, 1 Insufficient cpu, 2 node(s) had untolerated taints',
      'No verdict on web:2.0 yet; not ready: no node fits: 3 Insufficient memory, 1 Insufficient cpu',
    ],
    [
      'with why there is no result',
      'No verdict on web:2.0 yet: 0 of 2 pods passed; pod web-59df-b on node-2: web in container web returned no result (NoEvidence: connect to 10.244.2.59:9999: connection refused) until the deadline of 25s',
      'No verdict on web:2.0 yet; web returned no result (connect to 10.244.2.59:9999: connection refused)',
    ],
    [
      'with a bracket that is cut but closed, where little stands before it',
      'Container web was set (by a client with a name that is long: one that goes on and on and on and on and on and on, to the end)',
      'Container web was set (by a client with a name that is long…)',
    ],
    [
      'with what is missing, and not the word for it',
      'No verdict on web:2.0 yet: 0 of 3 pods passed; pod web-746d-a on node-1: container web cannot start (CreateContainerConfigError: secret "mysql" not found) until the deadline of 10m',
      'No verdict on web:2.0 yet; container web cannot start (secret "mysql" not found)',
    ],
    [
      'with what is missing, while it rolls',
      'Rolling DaemonSet web from web:1.0 to web:2.0: 1 of 3 updated, 0 passed; pod web-746d-a on node-1: container web cannot start (CreateContainerConfigError: secret "mysql" not found)',
      'Rolling to web:2.0: 1 of 3 updated, 0 passed; container web cannot start (secret "mysql" not found)',
    ],
    [
      'with which object cannot be mounted, and not that the container waits for it',
      'No verdict on web:2.0 yet: 0 of 3 pods passed; pod web-746d-a on node-1: not ready: container web is ContainerCreating (FailedMount: MountVolume.SetUp failed for volume "settings" : configmap "no-such-settings" not found)',
      'No verdict on web:2.0 yet; not ready (volume "settings": configmap "no-such-settings" not found)',
    ],
    [
      'with the beginning of a long reason',
      'No verdict on web:2.0 yet: 0 of 3 pods passed; pod web-746d-a on node-1: not ready: container web is ContainerCreating (FailedMount: MountVolume.MountDevice failed for volume "pvc-12" : rpc error: code = Internal desc = format of disk "/dev/sdb" failed: type:("ext4") target:("/var/lib/kubelet")',
      'No verdict on web:2.0 yet; not ready (FailedMount: volume "pvc-12": format of disk "/dev/sdb"…)',
    ],
    [
      'with the volumes that are missing, and not with the others',
      'Rolling StatefulSet web from web:1.9 to web:2.0: 1 of 3 updated, 0 passed; pod web-2 on node-1: not ready: container web is ContainerCreating (FailedMount: Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[data kube-api-access-x2]: timed out waiting for the condition)',
      'Rolling to web:2.0: 1 of 3 updated, 0 passed; not ready (unmounted volumes=[data]: timed out…)',
    ],
    [
      'with why there is no network, and not for which sandbox',
      'Verifying web:2.0: 0 of 3 pods passed; pod web-746d-a on node-1: not ready: container web is ContainerCreating (FailedCreatePodSandBox: Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "…": plugin type="cni" failed)',
      'Verifying web:2.0: 0 of 3 pods passed; not ready (failed to setup network: plugin type="cni" failed)',
    ],
    [
      'with the beginning of a long name of what is missing',
      'No verdict on web:2.0 yet: 0 of 3 pods passed; pod web-746d-a on node-1: container web cannot start (CreateContainerConfigError: secret "mysql-credentials-of-the-primary-instance" not found)',
      'No verdict on web:2.0 yet; container web cannot start (secret "mysql-credentials-of-the-primary-in…)',
    ],
    [
      'ended at a word, when no clause ends in time',
      `The workload ${'very '.repeat(20)}long`,
      `${`The workload ${'very '.repeat(17)}`.trimEnd()}…`,
    ],
    [
      'with what happened, and not on how many pods',
      'web:1.9 runs again, verified on 38 pods; web:2.0 failed: pod web-746dd5cf99-jxxz5 on node-3 (and 12 more): readiness-probe in container web exited 1 (ProbeHookCrashed: the readiness hook crashed)',
      'web:1.9 runs again; web:2.0 failed: readiness-probe exited 1 (the readiness hook crashed)',
    ],
    ['cut, when there is not even a word', 'x'.repeat(200), `${'x'.repeat(99)}…`],
  ])('%s', (_, sentence, expected) => {
    expect(headline(sentence)).toBe(expected);
  });

  test('is never too long, and never half a character', () => {
    const words = fc.array(
      fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('💥', '; ', ': ', ' ', 'a/b=c/d')),
      {
        maxLength: 300,
      },
    );
    fc.assert(
      fc.property(words, (parts) => {
        const short = headline(parts.join('').toWellFormed());
        expect(short.length).toBeLessThanOrEqual(100);
        expect(short.isWellFormed()).toBe(true);
      }),
    );
  });
});
