import { describe, expect, test } from '@jest/globals';
import { completeUpgradeOf, NOW, statusOf, upgradeOf } from '../../../test/support/snapshots.ts';
import { ABORT_ANNOTATION, RETRY_ANNOTATION } from '../../api/names.ts';
import { completeStatus } from '../complete-status.ts';
import { completeUpgrade } from '../snapshot.ts';
import { newCommand, recordCommand, recordSeenCommands } from './commands.ts';

const given = (annotations: Record<string, string>, seen: Record<string, string> = {}) =>
  upgradeOf({
    annotations,
    status: statusOf({
      commands: Object.fromEntries(
        Object.entries(seen).map(([verb, token]) => [
          verb,
          { token, at: '2026-01-01T00:00:00Z', result: 'x' },
        ]),
      ),
    }),
  });

describe('a verb acts', () => {
  test.each([
    ['when its token is new', given({ [RETRY_ANNOTATION]: '2' }, { retry: '1' }), 'retry'],
    ['once for each token', given({ [RETRY_ANNOTATION]: '1' }, { retry: '1' }), undefined],
    ['not with an empty token', given({ [ABORT_ANNOTATION]: '' }), undefined],
    [
      'abort before retry when both are new',
      given({ [ABORT_ANNOTATION]: 'a', [RETRY_ANNOTATION]: 'r' }),
      'abort',
    ],
    [
      'retry after abort has been recorded',
      given({ [ABORT_ANNOTATION]: 'a', [RETRY_ANNOTATION]: 'r' }, { abort: 'a' }),
      'retry',
    ],
    ['not before there is an attempt', upgradeOf({ annotations: { [ABORT_ANNOTATION]: 'a' } }), undefined],
  ])('%s', (_when, upgrade, expected) => {
    expect(newCommand(upgrade)).toBe(expected);
  });

  test('and its token is recorded with the result, beside the other one', () => {
    const upgrade = given({ [ABORT_ANNOTATION]: 'a' }, { retry: 'r' });
    const commands = recordCommand(
      upgrade,
      completeStatus(upgrade.status),
      'abort',
      'FallingBack',
      NOW,
    ).commands;
    expect(commands).toMatchObject({
      abort: { token: 'a', at: '2026-01-01T00:10:00.000Z', result: 'FallingBack' },
      retry: { token: 'r' },
    });
  });

  test('and a token of any length is recorded and recognized by its first 256 characters', () => {
    const upgrade = given({ [RETRY_ANNOTATION]: 'x'.repeat(1000) });
    const next = recordCommand(upgrade, completeStatus(upgrade.status), 'retry', 'Attempt2', NOW);
    expect(next.commands?.retry?.token).toHaveLength(256);
    expect(newCommand({ ...upgrade, status: next })).toBeUndefined();
  });
});

test.each([
  ['a\u001b[31m\u202e\r\nAborted by admin', 'a Aborted by admin'],
  ['\u0001', ''],
  [' ', ' '],
])('the token %j acts once, and is shown as one printable line', (token, shown) => {
  const upgrade = given({ [ABORT_ANNOTATION]: token });
  expect(newCommand(upgrade)).toBe('abort');
  const next = recordCommand(upgrade, completeStatus(upgrade.status), 'abort', 'FallingBack', NOW);
  expect(next.commands?.abort?.token).toBe(shown);
  expect(newCommand({ ...upgrade, status: next })).toBeUndefined();
});

test('tokens that came with the Upgrade, say from a backup, count as seen', () => {
  const fresh = completeUpgradeOf({ annotations: { [ABORT_ANNOTATION]: 'a', [RETRY_ANNOTATION]: 'r' } });
  expect(recordSeenCommands(fresh, fresh.status, NOW).commands).toMatchObject({
    abort: { token: 'a', result: 'SeenAtStart' },
    retry: { token: 'r', result: 'SeenAtStart' },
  });
  const running = completeUpgrade(given({ [ABORT_ANNOTATION]: 'a' }));
  expect(recordSeenCommands(running, running.status, NOW)).toBe(running.status);
});
