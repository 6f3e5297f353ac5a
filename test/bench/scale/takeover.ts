/** How soon the next leader leads: after an orderly stop, and after a crash. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Part } from '../harness.ts';
import type { Fleet } from './fleet.ts';
import type { OperatorProcess } from './operator-process.ts';

const FIGURES = {
  graceful: { name: 'takeover after an orderly stop', unit: 's', aim: '≤ 1' },
  crash: { name: 'takeover after a crash', unit: 's', aim: '≤ 15, the Lease' },
} as const;

/** A replica has been there for a while when the leader crashes; one that has just started knows of no renewal before that. */
const STANDBY_MS = 7_000;

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
      await sleep(STANDBY_MS);
      sheet.note('crash', await takeover(second, third, 'SIGKILL'));
    },
    clear: async () => {},
  };
}
