/** Which pods are witnesses, and what becomes of what was known of those that are none. */
import { describe, expect, test } from '@jest/globals';
import {
  conditionOf,
  containerOf,
  NEW,
  NOW,
  OLD,
  podOf,
  recordOf,
  verificationContext,
} from '../../../test/support/snapshots.ts';
import { VERIFIED } from '../../api/names.ts';
import type { PodView } from '../../api/views.ts';
import { whatText } from '../report/cause-text.ts';
import type { VerificationContext } from './context.ts';
import { evaluatePod } from './pod.ts';
import { withPins } from './recorded.ts';
import { closingConditions, hasKeptImages, imageChange, whyNoWitness, withImageChanges } from './witness.ts';

const MIRROR = 'mirror.example/web:2.0';
const running = (image: string, change: Partial<PodView> = {}): PodView =>
  podOf({ containers: [containerOf({ image })], ...change });
const CHANGED = { specChanges: 2, imagesChanged: ['web'] };

describe('a pod', () => {
  test.each<[string, PodView, string | undefined]>([
    ['as its workload made it is a witness', running(NEW), undefined],
    ['whose image admission rewrote is one', running(MIRROR), undefined],
    ['that was resized, or given a debug container, is one', running(MIRROR, { specChanges: 3 }), undefined],
    [
      'in which another image was set is none',
      running('registry.example/web:9.9', CHANGED),
      'container web has image web:9.9 in place of web:2.0, which its workload did not set: delete the pod, and its controller creates a new one',
    ],
    [
      'in which the image was set again is none',
      running(NEW, CHANGED),
      'container web may have had another image for a while, which its workload did not set: delete the pod, and its controller creates a new one',
    ],
    [
      'of the version before that only carries the label of the new one is none',
      running(OLD),
      'container web has image web:1.0 in place of web:2.0, which its workload did not set: delete the pod, and its controller creates a new one',
    ],
    [
      'with another image in a container that somebody injected is one',
      podOf({
        ...CHANGED,
        imagesChanged: ['mesh'],
        containers: [containerOf(), containerOf({ name: 'mesh' })],
      }),
      undefined,
    ],
  ])('%s', (_what, pod, why) => {
    const change = imageChange(pod, verificationContext());
    expect(change && whatText(change)).toBe(why);
  });

  test('stays none after the change was reverted, because its condition records it', () => {
    const recorded = conditionOf('False', 60, 'ImageChanged', 'the image of container web was changed');
    const conditions = { ...podOf().conditions, [VERIFIED]: recorded };
    expect(imageChange(running(NEW, { specChanges: 2, conditions }), verificationContext())).toMatchObject({
      reason: 'ImageChanged',
      text: recorded.message,
    });
  });
});

describe('a pod whose revision was created a minute ago', () => {
  const made = (secondsAgo: number): PodView =>
    running(NEW, { createdAt: Math.floor(NOW / 1000 - secondsAgo) * 1000 });
  const context = verificationContext({ revisionCreatedAt: NOW - 60_000 });

  test.each([0, 59, 60, 65])('is a witness if it was created %i seconds ago', (secondsAgo) => {
    expect(whyNoWitness(made(secondsAgo), context)).toBeUndefined();
  });

  test('is none if it is older than that, because the controller adopted it', () => {
    const why = whyNoWitness(made(66), context);
    expect(why && whatText(why)).toBe(
      'older than the revision in its labels, so its controller did not create it: delete the pod, and its controller creates a new one',
    );
    expect(whyNoWitness(made(66), verificationContext())).toBeUndefined();
  });

  test('neither passes nor fails if it is older, and its gate is closed once', () => {
    const verdict = { ...conditionOf('True'), reason: 'PostCheckPassed' };
    const adopted = { ...made(66), conditions: { ...podOf().conditions, [VERIFIED]: verdict } };
    for (const record of [recordOf(), recordOf({ class: 'Fail', passes: 0 })]) {
      const result = evaluatePod(adopted, record, context, NOW);
      expect([result.state, result.cycleAt, result.record]).toEqual(['Waiting', undefined, undefined]);
      const [closing] = closingConditions([result]);
      expect(closing?.condition).toMatchObject({ status: 'False', reason: 'ForeignPod' });
      const closed = { ...verdict, ...closing?.condition, since: NOW };
      const after = { ...adopted, conditions: { ...adopted.conditions, [VERIFIED]: closed } };
      expect(closingConditions([evaluatePod(after, record, context, NOW)])).toEqual([]);
    }
  });
});

describe('a pod with volumes', () => {
  const COMMAND = '/usr/bin/readiness_probe.sh';
  const ADDED =
    "a volume is mounted at %s in container web, over the check's command, but not in its workload: delete the pod, and its controller creates a new one";
  const why = (
    mounts: readonly string[],
    templateMounts: VerificationContext['templateMounts'] = {},
    container = 'web',
  ): string | undefined => {
    const pod = podOf({ containers: [containerOf(), containerOf({ name: 'log' })] });
    const containers = pod.containers.map((view) => (view.name === container ? { ...view, mounts } : view));
    const cause = whyNoWitness({ ...pod, containers }, verificationContext({ templateMounts }));
    return cause && whatText(cause);
  };

  test.each([COMMAND, '/usr/bin', '/usr', '/'])('is none with one at %s', (mount) => {
    expect(why(['/data', mount])).toBe(ADDED.replace('%s', mount));
    expect(why(['/data', mount], { web: ['/data'], log: [mount] })).toBe(ADDED.replace('%s', mount));
  });

  test.each(['/usr/bin/readiness_probe.sh.d', '/usr/bi', '/usr/bin/other', '/var/run/secrets/mesh', '/data'])(
    'is one with one at %s, which admission may have added',
    (mount) => {
      expect(why([mount])).toBeUndefined();
    },
  );

  test('is one if the template has the volume there, if no check runs in the container, or if the template is not known', () => {
    expect(why(['/usr/bin', '/data'], { web: ['/usr/bin'] })).toBeUndefined();
    expect(why([COMMAND], {}, 'log')).toBeUndefined();
    const pod = podOf({ containers: [containerOf({ mounts: [COMMAND] })] });
    expect(whyNoWitness(pod, verificationContext())).toBeUndefined();
  });

  test('is compared by the commands of the checks, where these are paths', () => {
    const ofCommand = (command: string): string | undefined => {
      const checks = [{ name: 'schema', exec: { command: [command] } }];
      const context = verificationContext({ postCheck: { checks }, templateMounts: {} });
      return whyNoWitness(podOf({ containers: [containerOf({ mounts: ['/opt/check'] })] }), context)?.detail;
    };
    expect(['/opt/check', '/opt/../opt/check/run', '/opt/checks', 'check'].map(ofCommand)).toEqual([
      '/opt/check',
      '/opt/check',
      undefined,
      undefined,
    ]);
  });

  test('neither passes nor fails, and its gate is closed', () => {
    const pod = podOf({ containers: [containerOf({ mounts: [COMMAND] })] });
    const context = verificationContext({ templateMounts: {} });
    for (const record of [recordOf(), recordOf({ class: 'Fail', passes: 0 })]) {
      const result = evaluatePod(pod, record, context, NOW);
      expect([result.state, result.cycleAt]).toEqual(['Waiting', undefined]);
      expect(closingConditions([result])).toHaveLength(1);
    }
  });
});

describe('a pod that is no witness', () => {
  const context = verificationContext();

  test('is not probed, and neither passes nor fails by earlier probes', () => {
    for (const record of [recordOf(), recordOf({ class: 'Fail', passes: 0 })]) {
      const early = evaluatePod(running(NEW, CHANGED), record, context, NOW);
      expect([early.state, early.cycleAt, early.record]).toEqual(['Waiting', undefined, undefined]);
      const late = evaluatePod(running(NEW, CHANGED), record, context, early.lookAt ?? NOW);
      expect([late.state, late.lookAt]).toEqual(['Inconclusive', undefined]);
    }
  });

  test('fails by no deadline, no restarts and no image that cannot be pulled', () => {
    const spec = { onInconclusive: 'Fallback', failureThreshold: 1 };
    const stuck = containerOf({ image: 'x:y', restarts: 99, state: 'waiting', reason: 'InvalidImageName' });
    const result = evaluatePod(
      podOf({ ...CHANGED, containers: [stuck] }),
      recordOf({ class: 'Retry', failures: 9, startedAt: NOW + 700_000 }),
      verificationContext({ postCheck: spec }),
      NOW + 700_000,
    );
    expect(result.state).toBe('Inconclusive');
  });

  test('loses the verdict that it had, and its gate is closed once', () => {
    const pod = running(NEW, CHANGED);
    const message = withPins('readiness-probe in container web exited 0', context, pod);
    const verdict = { ...conditionOf('True'), reason: 'PostCheckPassed', message };
    const verified = { ...pod, conditions: { ...pod.conditions, [VERIFIED]: verdict } };
    const result = evaluatePod(verified, undefined, context, NOW);
    expect([result.state, result.recorded]).toEqual(['Waiting', false]);
    const [closing] = closingConditions([result]);
    expect(closing?.condition).toMatchObject({ status: 'False', reason: 'ImageChanged' });
    const closed = { ...verdict, ...closing?.condition, since: NOW };
    const after = { ...pod, conditions: { ...pod.conditions, [VERIFIED]: closed } };
    expect(closingConditions([evaluatePod(after, undefined, context, NOW)])).toEqual([]);
  });
});

test('an image change that was observed is remembered, and not attributed to another pod', () => {
  const other = running('registry.example/web:9.9');
  expect(withImageChanges(running(NEW), undefined).imagesChanged).toEqual([]);
  const back = withImageChanges(running(NEW), other);
  expect(back.imagesChanged).toEqual(['web']);
  expect(withImageChanges(running(NEW), back).imagesChanged).toEqual(['web']);
  expect(withImageChanges(running(NEW, { uid: 'another' }), other).imagesChanged).toEqual([]);
  expect([hasKeptImages(running(NEW), running(NEW)), hasKeptImages(running(NEW), other)]).toEqual([
    true,
    false,
  ]);
});
