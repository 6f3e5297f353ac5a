/** What a decision reads of a large workload, counted: nothing may cost more than a look at each pod. */
import { describe, expect, test } from '@jest/globals';
import { largeWorkload } from '../../test/support/large-workload.ts';
import type { PodView } from '../api/views.ts';

/** A decision over so many pods, and what it read of them. */
function counted(count: number) {
  const reads = { all: 0, containers: 0 };
  const wrap = (pod: PodView) =>
    new Proxy(pod, {
      get: (target, name: keyof PodView) => {
        reads.all++;
        reads.containers += name === 'containers' ? 1 : 0;
        return target[name];
      },
    });
  const workload = largeWorkload(count, wrap);
  const decide = () => {
    Object.assign(reads, { all: 0, containers: 0 });
    const plan = workload.decide();
    return { plan, ...reads };
  };
  return { workload, decide };
}

describe('a decision', () => {
  test('costs the same per pod in a large workload as in a small one', () => {
    const [small, large] = [counted(200).decide(), counted(1600).decide()];
    expect(large.plan.status.counts).toMatchObject({ desired: 1600, passed: 1568 });
    expect(large.all / 1600).toBeLessThan((small.all / 200) * 1.2);
  });

  test('after the event of one pod evaluates that one, and only compares the cached inputs of the others', () => {
    const { workload, decide } = counted(1000);
    const first = decide();
    const again = decide();
    expect(again.plan).toEqual(first.plan);
    const pod = workload.pods[500];
    if (!pod) {
      throw new Error('there are 1,000 pods');
    }
    workload.change({ ...pod, resourceVersion: '91' });
    const after = decide();
    expect(after.plan).toEqual(first.plan);
    // The containers of a pod are read to evaluate it, and for nothing else but the twenty that are reported.
    expect(first.containers).toBeGreaterThan(2000);
    expect(after.containers - again.containers).toBeLessThan(20);
    expect(again.containers).toBeLessThan(200);
    expect(after.all).toBeLessThan(first.all / 2);
  });

  test('writes the results of 24 pods at most, and plans the rest again', () => {
    const { workload, decide } = counted(1000);
    for (const pod of workload.pods) {
      const { 'postcheck.dev/verified': _, ...conditions } = pod.conditions;
      workload.change({ ...pod, conditions, resourceVersion: '91' });
    }
    const { action } = decide().plan;
    expect(action).toMatchObject({ kind: 'recordResults' });
    expect(action.kind === 'recordResults' && action.conditions.length).toBe(24);
  });
});
