/** What prevents an attempt, one obstacle after the other. */
import { describe, expect, test } from '@jest/globals';
import { NEW, specOf, type WorkloadChange, workloadOf } from '../../../test/support/snapshots.ts';
import { effectiveSpec } from '../effective-spec.ts';
import { SET_MAX_BYTES } from '../images.ts';
import { attemptObstacle, imagesTooLong } from './obstacles.ts';

const container = (name: string, role: 'regular' | 'init' | 'sidecar' = 'regular') =>
  ({ name, image: NEW, role, startupProbe: false }) as const;
const CONTAINERS = [container('migrate', 'init'), container('proxy', 'sidecar'), container('web')];
const obstacle = (spec: Record<string, unknown>, workload: WorkloadChange = {}) =>
  attemptObstacle(effectiveSpec(specOf(spec)), workloadOf({ containers: CONTAINERS, ...workload }));
const check = (containers?: readonly string[]) => ({
  postCheck: { checks: [{ name: 'probe', exec: { command: ['x'] }, containers }] },
});
const web = { kind: 'Deployment', name: 'web' };
const wrong = (name: string, why: 'Missing' | 'Init') => ({
  reason: 'InvalidCheckContainer',
  workload: web,
  check: 'probe',
  wrong: { container: name, why },
});
const canary = { strategy: { stages: [{ name: 'canary', pods: 1 }] } };
const windows = (timeZone: string) => ({ windows: [{ start: '01:00', durationSeconds: 60, timeZone }] });
const onlyFailed = { fallback: { scope: 'FailedPods' } };

test.each<[string, ReturnType<typeof obstacle>, object | undefined]>([
  ['nothing', obstacle({}), undefined],
  [
    'a container that is not there',
    obstacle({
      containers: [
        { name: 'web', image: NEW },
        { name: 'api', image: NEW },
      ],
    }),
    { reason: 'ContainerNotFound', workload: web, missing: ['api'], existing: ['migrate', 'proxy', 'web'] },
  ],
  [
    'a workload of which nothing is kept, and no container of it',
    obstacle({}, { isTooLong: true, containers: [] }),
    { reason: 'WorkloadTooLong', workload: web, characters: 131_072, values: 32_768 },
  ],
  ['a check in a container that is not there', obstacle(check(['web', 'gone'])), wrong('gone', 'Missing')],
  ['a check in an init container', obstacle(check(['migrate'])), wrong('migrate', 'Init')],
  ['no check in a sidecar', obstacle(check(['proxy'])), undefined],
  ['no check in every container', obstacle(check(['*'])), undefined],
  ['no check in every container, whatever else it names', obstacle(check(['gone', '*'])), undefined],
  ['no check in the default containers', obstacle(check()), undefined],
  [
    'a check without a container',
    obstacle(check([])),
    { reason: 'InvalidCheckContainer', workload: web, check: 'probe', wrong: undefined },
  ],
  ['no stages of a Deployment', obstacle(canary), undefined],
  [
    'stages of one that replaces all at once',
    obstacle(canary, { recreates: true }),
    { reason: 'StagesUnsupported', workload: web, why: 'AllAtOnce' },
  ],
  [
    'no single stage for all pods',
    obstacle({ strategy: { stages: [{ name: 'all' }] } }, { recreates: true }),
    undefined,
  ],
  [
    'no gated stages of a StatefulSet without a gate',
    obstacle({ ...canary, gate: 'Disabled' }, { kind: 'StatefulSet' }),
    undefined,
  ],
  ['no known time zone', obstacle(windows('Asia/Taipei')), undefined],
  [
    'an unknown time zone',
    obstacle(windows('Mars/Olympus')),
    { reason: 'TimeZoneUnknown', timeZone: 'Mars/Olympus' },
  ],
  [
    'a rollback of single pods by a controller',
    obstacle(onlyFailed),
    { reason: 'ScopeUnsupported', workload: web },
  ],
  [
    'no rollback of single pods with OnDelete',
    obstacle(onlyFailed, { kind: 'DaemonSet', onDelete: true }),
    undefined,
  ],
  [
    'a paused Deployment',
    obstacle({}, { paused: true }),
    { reason: 'WorkloadPaused', workload: web, namespace: 'shop' },
  ],
])('an attempt is prevented by %s', (_, found, expected) => {
  expect(found).toEqual(expected);
});

describe('the images of an attempt', () => {
  const setOf = (bytes: number) => ({ web: 'x'.repeat(bytes - '{"web":""}'.length) });
  test.each([
    [SET_MAX_BYTES, 10, undefined],
    [SET_MAX_BYTES + 1, 10, SET_MAX_BYTES + 1],
    [10, SET_MAX_BYTES + 5, SET_MAX_BYTES + 5],
  ])('of %d and %d bytes', (a, b, bytes) => {
    const expected = bytes && { reason: 'ImagesTooLong', workload: web, bytes, max: SET_MAX_BYTES };
    expect(imagesTooLong(workloadOf(), [setOf(a), setOf(b)])).toEqual(expected);
  });
});
