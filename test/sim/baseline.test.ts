/** The version before is asked once, before anything is written, and what it said decides what a missing command means. */
import { describe, expect, test } from '@jest/globals';
import { played, three } from './played.ts';
import type { Run } from './run.ts';
import {
  bad,
  baselineUnknown,
  commandMissing,
  failsBefore,
  failsBeforeMended,
  failsBeforeRetried,
  KINDS,
  NEW,
  NEWER,
  neitherHasTheScript,
  OLD,
} from './stories.ts';
import { target } from './story.ts';
import { sweep } from './sweep.ts';

const baselineOf = (run: Run) => run.world.upgrade()?.status?.from?.baseline;
const ENTRY = { check: 'readiness-probe', container: 'web' };

describe.each(KINDS)('before a %s is rolled', (kind) => {
  test('an image without the script whose predecessor had none either is judged by readiness', async () => {
    const run = await played(neitherHasTheScript(kind));
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(baselineOf(run)).toEqual([{ ...ENTRY, missing: true }]);
  });

  test('an image that lost the script fails', async () => {
    const run = await played(commandMissing(kind));
    expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
    expect(baselineOf(run)).toEqual([{ ...ENTRY, exitCode: 0, pods: 3, total: 3 }]);
  });

  test('a bad code of the version before is remembered', async () => {
    const run = await played({ ...bad(kind), images: { [OLD]: { answer: () => 17 }, [NEW]: {} } });
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(baselineOf(run)).toEqual([{ ...ENTRY, exitCode: 17, pods: 3, total: 3 }]);
  });

  test('a version that broke is told from one that was broken before', async () => {
    const broke = await played(bad(kind));
    expect(broke.message).toContain(
      'exited 17 (SchemaTooOld: the database schema is too old); before the upgrade it exited 0 on 3 of 3 pods',
    );
    const always = await played({
      ...bad(kind),
      images: { [OLD]: { answer: () => 17 }, [NEW]: { answer: () => 17 } },
    });
    expect(always.message).toContain('exited 17 before the upgrade too, on 3 of 3 pods');
  });

  test('a baseline that cannot be had holds nothing up', async () => {
    const run = await played(baselineUnknown(kind));
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(baselineOf(run)).toEqual([]);
  });

  test('one that has to pass and does not is left as it is, with its pods, check and code in the sentence', async () => {
    const run = await played(failsBefore(kind, 'RequirePass'));
    expect(run.ending).toMatchObject({ phase: 'Failed', reason: 'BaselineFailed', images: { web: OLD } });
    expect(run.ending).toMatchObject({ pods: three(OLD), gating: false });
    expect(run.message).toMatch(
      /^Nothing was upgraded to web:2.0, because spec.preCheck.baseline is RequirePass and web:1.0 fails: pod web-\S+ on node-\d \(and 2 more\): readiness-probe in container web exited 17 \(ProbeFailed\); fix it, or set postcheck.dev\/retry to upgrade all the same/,
    );
    expect(run.world.workload(target(run.world).kind, 'web')?.generation).toBe(1);
  });

  test('a retry, or a newer image after it is mended, goes on', async () => {
    const retried = await played(failsBeforeRetried(kind));
    expect(retried.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(retried.ending.outcomes).toEqual(['2 Succeeded', '1 Failed']);
    expect(baselineOf(retried)).toEqual([{ ...ENTRY, exitCode: 17, pods: 3, total: 3 }]);
    const mended = await played(failsBeforeMended(kind));
    expect(mended.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEWER) });
    expect(baselineOf(mended)).toEqual([{ ...ENTRY, exitCode: 0, pods: 3, total: 3 }]);
  });

  test('nobody asks it where that is not wanted', async () => {
    const run = await played(failsBefore(kind, 'None'));
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(run.world.kubelet.asked.filter(({ image }) => image === OLD)).toEqual([]);
  });
});

test('a cut at any write does not make an ordinary image fail', async () => {
  const { failures } = await sweep(neitherHasTheScript('Deployment'), 1);
  expect(failures).toEqual([]);
}, 120_000);

test('a cut at any write does not upgrade a version before that has to pass', async () => {
  const { failures } = await sweep(failsBefore('DaemonSet OnDelete', 'RequirePass'), 1);
  expect(failures).toEqual([]);
}, 120_000);
