import { expect, test } from '@jest/globals';
import { Throttle } from '../client/throttle.ts';
import { eventBody } from './event.ts';
import { microTime } from './micro-time.ts';

const upgrade = {
  apiVersion: 'postcheck.dev/v1alpha1',
  kind: 'Upgrade',
  namespace: 'shop',
  name: 'web',
  uid: 'u',
};
const workload = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web', uid: 'd' };
const event = { type: 'Warning', reason: 'PostCheckFailed', action: 'Checking', note: 'exit 17' } as const;
const by = { identity: 'postcheck-0', now: Date.UTC(2026, 0, 2, 3, 4, 5, 67) };

test('an event names its object, a related one, the operator and the moment', () => {
  expect(eventBody(upgrade, event, by)).toMatchObject({
    eventTime: '2026-01-02T03:04:05.067000Z',
    reportingController: 'postcheck.dev/operator',
    reportingInstance: 'postcheck-0',
    note: 'exit 17',
    regarding: upgrade,
  });
  expect(eventBody(upgrade, event, by)).not.toHaveProperty('related');
  expect(eventBody(workload, { ...event, related: upgrade }, by)).toMatchObject({
    regarding: workload,
    related: upgrade,
  });
});

test('names sort by time, as kubectl describe shows them', () => {
  const at = (now: number) => eventBody(upgrade, event, { ...by, now }).metadata.name;
  const names = [0, 1, 1000, by.now, by.now + 1].map(at);
  expect(names.toSorted()).toEqual(names);
});

test('two events never share a name, and a name is never too long', () => {
  const name = (of: string): string => eventBody({ ...upgrade, name: of }, event, by).metadata.name;
  expect(name('web')).not.toBe(name('web'));
  expect(name('x'.repeat(253)).length).toBeLessThanOrEqual(253);
});

test.each(['-', '---', '.', '-x.-', 'x'])(
  'a name that is cut behind %j is one that the API server accepts',
  (end) => {
    const long = `${'x'.repeat(220 - end.length)}${end}${'y'.repeat(33)}`;
    expect(eventBody({ ...upgrade, name: long }, event, by).metadata.name).toMatch(
      /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    );
  },
);

test.each(['x'.repeat(1024), 'x'.repeat(5000), 'ü'.repeat(900), '👍'.repeat(300)])(
  'a note is cut to 1 KiB between characters',
  (note) => {
    const cut = eventBody(upgrade, { ...event, note }, by).note as string;
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(1024);
    expect(cut).not.toContain('\uFFFD');
    expect(note.startsWith(cut.replace(/…$/, ''))).toBe(true);
  },
);

test('a note is one line: a token of an annotation cannot pose as another event', () => {
  const note = 'abort with token \u001b[31ma\r\nWarning  Killing  pod/web\u202e: Aborted';
  expect(eventBody(upgrade, { ...event, note }, by).note).toBe(
    'abort with token a Warning  Killing  pod/web: Aborted',
  );
});

test('times have six fractional digits', () => {
  expect(microTime(0)).toBe('1970-01-01T00:00:00.000000Z');
});

test('a throttle holds until the latest time that was named', () => {
  let now = 1_000;
  const throttle = new Throttle(() => now);
  expect(throttle.remainingMs()).toBe(0);
  throttle.hold(500);
  throttle.hold(100);
  expect(throttle.remainingMs()).toBe(500);
  now += 500;
  expect(throttle.remainingMs()).toBe(0);
});

test('a throttle holds one namespace and no other', () => {
  const throttle = new Throttle(() => 0);
  throttle.hold(32_000, 'hostile');
  throttle.hold(500, 'other');
  const held = ['hostile', 'other', 'shop', undefined].map((namespace) => throttle.remainingMs(namespace));
  expect(held).toEqual([32_000, 500, 0, 0]);
});
