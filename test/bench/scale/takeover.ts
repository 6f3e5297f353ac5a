/** How soon the next leader leads: after an orderly stop, and after a crash. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ELECTION_TIMING } from '../../../src/kube/leader-election/election.ts';
import type { Part } from '../harness.ts';
import { type Fleet, until } from './fleet.ts';
import type { OperatorProcess } from './operator-process.ts';

const FIGURES = {
  graceful: { name: 'takeover after an orderly stop', unit: 's', aim: '≤ 1' },
  crash: { name: 'takeover after a crash halfway between two renewals', unit: 's', aim: '≤ 15, the Lease' },
} as const;

const { renewMs } = ELECTION_TIMING;

/** A standby waits for the Lease's duration from the last renewal that it saw, so what it takes depends on when the leader crashes. */
async function halfwayBetweenRenewals(fleet: Fleet): Promise<void> {
  const before = await fleet.leaseRenewedAt();
  await until(async () => (await fleet.leaseRenewedAt()) !== before, 2 * renewMs, 'the Lease to be renewed');
  await sleep(renewMs / 2);
}

async function takeover(
  leader: OperatorProcess,
  next: OperatorProcess,
  signal: 'SIGTERM' | 'SIGKILL',
): Promise<number> {
  const began = performance.now();
  leader.signal(signal);
  await next.says('leading');
  return (performance.now() - began) / 1000;
}

/** The leader of the parts before hands over to a second process, and that one to a third. */
export function takeoverPart(
  fleet: () => Fleet,
  operator: () => OperatorProcess,
): Part<keyof typeof FIGURES> {
  return {
    name: 'takeover',
    figures: FIGURES,
    needs: [],
    limitMs: 120_000,
    measure: async (sheet) => {
      const second = fleet().startOperator();
      await second.says('started');
      sheet.note('graceful', await takeover(operator(), second, 'SIGTERM'));
      const third = fleet().startOperator();
      await third.says('started');
      await halfwayBetweenRenewals(fleet());
      sheet.note('crash', await takeover(second, third, 'SIGKILL'));
    },
    clear: async () => {},
  };
}
