import { expect, test } from '@jest/globals';
import { NOW, podOf, recordOf } from '../../../test/support/snapshots.ts';
import { VERIFIED } from '../../api/names.ts';
import type { PodView } from '../../api/views.ts';
import { failingConditions } from './failing.ts';
import type { PodResult } from './pod-result.ts';

const failing = (exitCode: number, cycles: number, pod: PodView = gated()): PodResult => ({
  pod,
  state: 'Retrying',
  cause: { reason: 'ProbeFailed', check: 'readiness-probe', container: 'web', exitCode },
  recorded: false,
  isPodReady: false,
  codes: '',
  record: recordOf({ cycles }),
});
function gated(message?: string): PodView {
  const pod = podOf({ gates: [VERIFIED] });
  const said = { status: 'False', reason: 'ProbeFailed', message: message ?? '', since: NOW } as const;
  return message === undefined ? pod : { ...pod, conditions: { ...pod.conditions, [VERIFIED]: said } };
}
const SEVENTEEN = 'readiness-probe in container web exited 17 (ProbeFailed)';

test('a gated pod says at its first failing try why its gate is closed', () => {
  expect(failingConditions([failing(17, 3)])).toEqual([
    { pod: gated(), condition: { status: 'False', reason: 'ProbeFailed', message: SEVENTEEN } },
  ]);
});

test('the same code is written once, and codes that change with every try increasingly rarely', () => {
  expect(failingConditions([failing(17, 8, gated(SEVENTEEN))])).toEqual([]);
  const writes = Array.from({ length: 1000 }, (_, i) => failing(18, i + 1, gated(SEVENTEEN))).filter(
    (result) => failingConditions([result]).length > 0,
  );
  expect(writes.length).toBeLessThanOrEqual(10);
});

test('nothing is written to a pod without a gate, to one that was not probed, or to more than a few at once', () => {
  expect(failingConditions([failing(17, 1, podOf({ gates: [] }))])).toEqual([]);
  const waits = { ...failing(17, 1), state: 'Waiting', cause: { reason: 'NotProbedYet' } } as const;
  expect(failingConditions([waits])).toEqual([]);
  expect(failingConditions(Array.from({ length: 500 }, () => failing(17, 1)))).toHaveLength(10);
});
