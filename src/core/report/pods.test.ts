/** The exit codes in the status are those of all pods, whichever process has seen them. */
import { expect, test } from '@jest/globals';
import { Stage } from '../../../test/docs/stage.ts';
import type { UpgradeStatus } from '../../api/types.ts';

const GOOD = { kind: 'exit', code: 0, output: '' } as const;
const BAD = { kind: 'exit', code: 17, output: '' } as const;

const codes = ({ exitCodes = [] }: UpgradeStatus): string[] =>
  exitCodes.map(({ code, class: of, pods }) => `${code} ${of} ${pods}`);

/** Two of three pods have passed, the third one has not; then another process takes over, which has probed none. */
function takenOver(): Stage {
  const stage = new Stage();
  stage.settle();
  const [last] = stage.pods.slice(-1);
  stage.hears(GOOD, (pod) => pod !== last).hears(BAD, (pod) => pod === last);
  expect(codes(stage.settle().status)).toEqual(['0 Pass 2', '17 Retry 1']);
  stage.records.clear();
  return stage;
}

test('codes of pods that another process has verified are kept, and no others', () => {
  expect(codes(takenOver().settle().status)).toEqual(['0 Pass 2']);
});

test('they are added to those that this process sees, until the attempt ends', () => {
  const stage = takenOver();
  stage.settle();
  const unverified = stage.pods.slice(-1);
  stage.hears(GOOD, (pod) => unverified.some(({ uid }) => uid === pod.uid));
  const { status } = stage.settle();
  expect([status.phase, codes(status)]).toEqual(['Succeeded', ['0 Pass 3']]);
});

test('a pod that is gone counts no more, and neither do the codes of the failed version after a fallback', () => {
  const stage = takenOver();
  stage.pods = stage.pods.slice(1);
  expect(codes(stage.settle().status)).toEqual(['0 Pass 1']);
  const failed = new Stage();
  failed.settle();
  failed.hears(BAD).seconds(700).hears(BAD);
  failed.settle();
  expect(failed.upgrade.status?.fallback?.exitCodes).toHaveLength(1);
  failed.records.clear();
  expect(codes(failed.settle().status)).toEqual([]);
});
