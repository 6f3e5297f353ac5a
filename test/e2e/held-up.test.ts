/** What holds a rollout up is named, where it is not the application: a volume, an init container, an older pod, the workload's own wait. */
import { expect, test } from '@jest/globals';
import type { Json } from './support/api.ts';
import { expectProtected, expectServing } from './support/expectations.ts';
import { imageOf, isReady } from './support/pod-history.ts';
import { type Scenario, scenario, TEST_MS } from './support/scenario.ts';
import { waitFor } from './support/wait.ts';
import { CONTAINER, image, NAME, PROBED, type Shape, upgrade } from './support/workloads.ts';

const given = (sentence: string, shape: Shape, name: string, body: (s: Scenario) => Promise<void>) =>
  test.concurrent(sentence, scenario(shape, name, body), TEST_MS);

const says = (s: Scenario, words: RegExp): Promise<Json> => s.until(({ message }) => words.test(message));

/** Changes the workload as its owner would. */
const change = (s: Scenario, spec: Json): Promise<Json> =>
  s.api.patch(`${s.workloadPath}/${NAME}`, { spec }, 'strategic');

given(
  'a volume that cannot be mounted is told in the words of the kubelet',
  'StatefulSet OrderedReady',
  'mount fails',
  async (s) => {
    await s.deploy('v1', { spec: { updateStrategy: { type: 'OnDelete' } } });
    const volumes = [{ name: 'settings', configMap: { name: 'no-such-settings' } }];
    const volumeMounts = [{ name: 'settings', mountPath: '/settings' }];
    // No pod gets it before one is deleted, so it comes with the new version.
    await change(s, { template: { spec: { volumes, containers: [{ name: CONTAINER, volumeMounts }] } } });

    await s.create(upgrade(s.shape, 'v2'));

    await says(
      s,
      /pod web-1 on \S+: not ready: container app is ContainerCreating \(FailedMount: MountVolume.SetUp failed for volume "settings" : configmap "no-such-settings" not found\)/,
    );
  },
);

given(
  'a registry that is down is no evidence against the version',
  'Deployment',
  'registry down',
  async (s) => {
    await s.deploy('v1');

    await s.create(upgrade('Deployment', 'registry-down', { postCheck: { deadlineSeconds: 5 } }));

    const message =
      /^No verdict on app:v9 yet: .* image app:v9 cannot be pulled \(\S+: .*connection refused\) until the deadline of 5s$/;
    await says(s, message);
    expectProtected(s);
  },
);

given(
  'an init container that waits for ever is named, and since when it runs',
  'Deployment',
  'init waits',
  async (s) => {
    const wait = {
      name: 'wait',
      image: image('v1'),
      command: ['sh', '-c', '[ $VERSION = v1 ] || sleep 1000'],
    };
    await s.deploy('v1', { pod: { initContainers: [wait] } });
    const containers = [CONTAINER, 'wait'].map((name) => ({ name, image: image('v2') }));

    await s.create(upgrade('Deployment', 'v2', { containers, postCheck: { deadlineSeconds: 5 } }));

    const { message } = await s.until('FellBack');
    expect(message).toMatch(
      /not ready: init container wait has not ended, running since \S+Z until the deadline of 5s$/,
    );
    await expectServing(s, 'v1');
  },
);

given(
  'a StatefulSet that was broken before names the pod in the way, and the command that frees it',
  'StatefulSet OrderedReady',
  'broken before',
  async (s) => {
    await s.deploy('v1', PROBED);
    await change(s, {
      template: { spec: { containers: [{ name: CONTAINER, image: image('neverready') }] } },
    });
    await waitFor(
      'web-1 to be replaced',
      async () => s.pods.live.find(({ metadata }) => metadata.name === 'web-1'),
      (pod) => pod && imageOf(pod) === image('neverready') && !isReady(pod),
    );

    await s.create(upgrade(s.shape, 'v2'));

    await says(s, new RegExp(`kubectl delete pod web-1 -n ${s.namespace}`));
    await s.api.remove(`/api/v1/namespaces/${s.namespace}/pods/web-1`);
    await s.until('Succeeded');
    await expectServing(s, 'v2');
  },
);

given(
  'the wait of minReadySeconds is no lack of progress, also in a fallback',
  'Deployment',
  'min ready',
  async (s) => {
    const strategy = { type: 'Recreate', rollingUpdate: null };
    await s.deploy('v1', { spec: { minReadySeconds: 30, strategy } });
    const postCheck = { periodSeconds: 1, deadlineSeconds: 5 };

    await s.create(upgrade('Deployment', 'bad17', { postCheck, progressDeadlineSeconds: 25 }));

    const status = await s.until(({ phase }) => ['FellBack', 'FallbackFailed'].includes(phase));
    expect(status).toMatchObject({ phase: 'FellBack', summary: '2/2', fallback: { state: 'Verified' } });
  },
);
