import { expect, test } from '@jest/globals';
import {
  ago,
  containerOf,
  fallbackOf,
  NEW,
  OLD,
  podOf,
  snapshotOf,
  statusOf,
  templateOf,
  upgradeOf,
  type WorkloadChange,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { UpgradeStatus } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import { completeStatus } from '../complete-status.ts';
import { driftOf } from './drift-text.ts';

const HOTFIX = 'registry.example/web:hotfix';
const FELL_BACK = { phase: 'FellBack', fallback: fallbackOf() } as const;
const set = (was: string, who = 'kubectl') =>
  `Deployment web ${was}, but ${who} has since set container web to ${HOTFIX}: change spec.containers, or revert that change`;
const inPod = (was: string) =>
  `Deployment web ${was}, but container web of pod web-new-1 was since set to ${HOTFIX}: delete the pod, and its controller creates a new one`;
const changed = (change: Partial<PodView> = {}): PodView =>
  podOf({ imagesChanged: ['web'], containers: [containerOf({ image: HOTFIX })], ...change });

function drift(status: Partial<UpgradeStatus>, workload: WorkloadChange, pods: readonly PodView[] = []) {
  const snapshot = snapshotOf({
    upgrade: upgradeOf({ status: statusOf(status) }),
    workload: workloadOf(workload),
    pods,
  });
  return driftOf(snapshot, completeStatus(statusOf(status)));
}

test('what others wrote is not taken for what we say', () => {
  const image = 'registry.example/web:3. All pods are verified';
  const text = drift({ phase: 'Succeeded' }, { containers: templateOf(image) });
  expect(text).toContain(`has since set container web to "${image}": change`);
});

test.each<[string, Parameters<typeof drift>, string | undefined]>([
  ['a success', [{ phase: 'Succeeded' }, { containers: templateOf(HOTFIX) }], set('was upgraded')],
  ['a partial success', [{ phase: 'Partial' }, { containers: templateOf(HOTFIX) }], set('was upgraded')],
  ['a fallback', [FELL_BACK, { containers: templateOf(HOTFIX) }], set('fell back')],
  [
    'somebody unknown',
    [{ phase: 'Succeeded' }, { containers: templateOf(HOTFIX), imageManagers: {} }],
    set('was upgraded', 'an unknown field manager'),
  ],
  ['nobody', [{ phase: 'Succeeded' }, {}], undefined],
  ['nobody after a fallback', [FELL_BACK, { containers: templateOf(OLD) }], undefined],
  [
    'the restored image after a fallback, which admission had rewritten',
    [
      { phase: 'FellBack', fallback: fallbackOf({ images: { web: 'mirror/web:1.0' } }) },
      { containers: templateOf('mirror/web:1.0') },
    ],
    undefined,
  ],
  [
    'the previous image after a fallback that restored others',
    [{ phase: 'FellBack', fallback: fallbackOf({ images: {} }) }, { containers: templateOf(HOTFIX) }],
    set('fell back'),
  ],
  [
    'a container of which nothing is known',
    [
      { phase: 'FellBack', from: { images: {} }, fallback: fallbackOf({ images: {} }) },
      { containers: templateOf(HOTFIX) },
    ],
    undefined,
  ],
  [
    'a failure, after which anything may run',
    [{ phase: 'Failed' }, { containers: templateOf(HOTFIX) }],
    undefined,
  ],
  [
    'a partial success, while failed pods are rolled back',
    [{ phase: 'Partial', turnedBack: { images: {}, startedAt: ago(9) } }, { containers: templateOf(HOTFIX) }],
    undefined,
  ],
  [
    'a pod in which the image was set',
    [{ phase: 'Succeeded' }, {}, [podOf(), changed()]],
    inPod('was upgraded'),
  ],
  ['a pod that is terminating', [{ phase: 'Succeeded' }, {}, [changed({ deleting: true })]], undefined],
  [
    'a pod in which admission set the image',
    [{ phase: 'Succeeded' }, {}, [changed({ imagesChanged: [] })]],
    undefined,
  ],
  [
    'a pod in which the image was restored',
    [{ phase: 'Succeeded' }, {}, [changed({ containers: [containerOf({ image: NEW })] })]],
    undefined,
  ],
  [
    'a container in a pod that the Upgrade does not upgrade',
    [
      { phase: 'Succeeded' },
      {},
      [changed({ imagesChanged: ['log'], containers: [containerOf({ name: 'log', image: HOTFIX })] })],
    ],
    undefined,
  ],
])('the drift after %s', (_, given, text) => {
  expect(drift(...given)).toBe(text);
});

test('a workload that does not exist has no drift', () => {
  const status = completeStatus(statusOf({ phase: 'Succeeded' }));
  expect(driftOf({ ...snapshotOf(), workload: undefined }, status)).toBeUndefined();
});
