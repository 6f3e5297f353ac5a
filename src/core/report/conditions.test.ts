import { describe, expect, test } from '@jest/globals';
import { snapshotOf, upgradeOf } from '../../../test/support/snapshots.ts';
import { withConditions } from './conditions.ts';

describe('the status names the checks of every pod', () => {
  test.each([
    ['the script, when nothing is named', {}, ['readiness-probe']],
    ['the checks that are named', { checks: [{ name: 'port', tcpSocket: { port: 80 } }] }, ['port']],
    ['nothing, for an empty list', { checks: [] }, []],
  ])('%s', (_, postCheck, names) => {
    const snapshot = snapshotOf({ upgrade: upgradeOf({ spec: { postCheck } }) });
    const input = { obstacle: undefined, summary: undefined, suspendedByUser: false };
    expect(withConditions(snapshot, snapshot.upgrade.status, input).checks).toEqual(names);
  });
});
