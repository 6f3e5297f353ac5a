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
  isGated: true,
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

test('an unknown condition is none, and a changed reason is written beside those of other pods', () => {
  const unknown = gated('');
  const conditions = {
    [VERIFIED]: { status: 'Unknown', reason: '', message: SEVENTEEN, since: NOW },
  } as const;
  const results = [
    failing(17, 3, { ...unknown, conditions }),
    failing(17, 3, gated(SEVENTEEN)),
    failing(17, 4),
  ];
  expect(failingConditions(results).map(({ pod }) => pod)).toEqual([results[0]?.pod, results[2]?.pod]);
});

test('the same code is written once, and codes that change with every try increasingly rarely', () => {
  expect(failingConditions([failing(17, 8, gated(SEVENTEEN))])).toEqual([]);
  const writes = Array.from({ length: 1000 }, (_, i) => i + 1).filter(
    (cycles) => failingConditions([failing(18, cycles, gated(SEVENTEEN))]).length > 0,
  );
  expect(writes).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
});

test('nothing is written to a pod without a gate, to one that was not probed, or to more than a few at once', () => {
  expect(failingConditions([failing(17, 1, podOf({ gates: [] }))])).toEqual([]);
  const waits = { ...failing(17, 1), state: 'Waiting', cause: { reason: 'NotProbedYet' } } as const;
  expect(failingConditions([waits])).toEqual([]);
  expect(failingConditions([{ ...failing(17, 1), state: 'Failed' }])).toEqual([]);
  expect(failingConditions([{ ...failing(17, 1), cause: { reason: 'NotReady' } }])).toEqual([]);
  expect(failingConditions([{ ...failing(17, 1), record: undefined }])).toEqual([]);
  expect(failingConditions(Array.from({ length: 500 }, () => failing(17, 1)))).toHaveLength(10);
});
