import { expect, test } from '@jest/globals';
import { type ExecResult, outcomeOf } from './exec-result.ts';

test.each<[ExecResult, object]>([
  [
    { kind: 'exit', code: 17, output: 'no' },
    { kind: 'exit', code: 17, output: 'no' },
  ],
  [{ kind: 'missing' }, { kind: 'missing' }],
  [
    { kind: 'unrunnable', why: 'WrongFormat' },
    { kind: 'unrunnable', why: 'WrongFormat' },
  ],
  [
    { kind: 'timeout', output: '' },
    { kind: 'timeout', output: '' },
  ],
  [
    { kind: 'gone', message: 'no such pod' },
    { kind: 'unreachable', message: 'no such pod' },
  ],
  [
    { kind: 'broken', message: 'closed' },
    { kind: 'unreachable', message: 'closed' },
  ],
  [
    { kind: 'refused', status: 403, message: 'no rights' },
    { kind: 'unreachable', message: 'exec was rejected with 403: no rights' },
  ],
])('%j is the outcome %j', (result, outcome) => {
  expect(outcomeOf(result)).toEqual(outcome);
});

test('a rejection may be worded by the caller', () => {
  const refused = { kind: 'refused', status: 403, message: 'no rights' } as const;
  expect(outcomeOf(refused, ({ status }) => `rejected: ${status}`)).toEqual({
    kind: 'unreachable',
    message: 'rejected: 403',
  });
});
