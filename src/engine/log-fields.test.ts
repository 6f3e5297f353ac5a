import { expect, test } from '@jest/globals';
import type { Upgrade, UpgradeStatus } from '../api/types.ts';
import { logChange } from './log-fields.ts';
import type { Log, LogFields } from './telemetry-ports.ts';

const upgrade = {
  metadata: { namespace: 'shop', name: 'web' },
  spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, paused: false },
} as Upgrade;

const status = (phase: string, reason: string, stalled = 'False'): UpgradeStatus =>
  ({
    phase,
    message: `The sentence of ${reason}`,
    attempt: { number: 3 },
    conditions: [
      { type: 'Ready', status: 'False', reason },
      { type: 'Stalled', status: stalled, reason },
    ],
  }) as unknown as UpgradeStatus;

function linesOf(
  before: UpgradeStatus | undefined,
  after: UpgradeStatus,
): (readonly [string, string, LogFields?])[] {
  const lines: (readonly [string, string, LogFields?])[] = [];
  const at = (level: string) => (message: string, fields?: LogFields) => lines.push([level, message, fields]);
  const log = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  } as unknown as Log;
  logChange(log, upgrade, before, after);
  return lines;
}

test('a change is logged with its message and the fields to search for', () => {
  expect(linesOf(status('Pending', 'Pending'), status('Upgrading', 'Upgrading'))).toEqual([
    [
      'info',
      'The sentence of Upgrading',
      {
        namespace: 'shop',
        name: 'web',
        kind: 'Deployment',
        attempt: 3,
        phase: 'Upgrading',
        reason: 'Upgrading',
        from: 'Pending',
      },
    ],
  ]);
});

test('a stalled attempt, or one that ends badly, is a warning, also without a change of the phase', () => {
  expect(linesOf(status('Pending', 'Pending'), status('Pending', 'TargetNotFound', 'True'))).toMatchObject([
    ['warn', 'The sentence of TargetNotFound', { phase: 'Pending', reason: 'TargetNotFound' }],
  ]);
  expect(linesOf(undefined, status('Inconclusive', 'Inconclusive'))).toEqual([
    ['warn', 'The sentence of Inconclusive', expect.objectContaining({ phase: 'Inconclusive' })],
  ]);
});

test('an unchanged status is not logged', () => {
  const same = status('PostChecking', 'PostChecking');
  expect(linesOf(same, { ...same, message: 'another pod' })).toEqual([]);
});
