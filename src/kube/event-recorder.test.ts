import { expect, test } from '@jest/globals';
import type { ApiRequest } from './client/request.ts';
import { EventRecorder } from './event-recorder.ts';

const upgrade = {
  apiVersion: 'postcheck.dev/v1alpha1',
  kind: 'Upgrade',
  namespace: 'shop',
  name: 'web',
  uid: 'u',
};

test('simultaneous events have times and names in the order in which they were recorded', async () => {
  const sent: { readonly eventTime: string; readonly metadata: { readonly name: string } }[] = [];
  const recorder = new EventRecorder({
    identity: 'postcheck-0',
    // Also when somebody sets the clock back.
    now: () => Date.UTC(2026, 0, 1) - sent.length,
    send: ({ body }: ApiRequest) => {
      sent.push(body as (typeof sent)[number]);
      return Promise.resolve({ ok: true, body: {} });
    },
  });
  const reasons = ['PostCheckFailed', 'FallbackStarted', 'FallbackVerified'] as const;
  await Promise.all(
    reasons.map((reason) =>
      recorder.record(upgrade, { type: 'Warning', reason, note: reason, action: 'Checking' }),
    ),
  );
  const times = sent.map(({ eventTime }) => eventTime);
  expect(new Set(times).size).toBe(3);
  expect(times.toSorted()).toEqual(times);
  const names = sent.map(({ metadata }) => metadata.name);
  expect(names.toSorted()).toEqual(names);
});
