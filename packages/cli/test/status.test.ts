/** What `status` prints for programs. */
import { expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import type { Cluster } from '../src/cluster.ts';
import { status } from '../src/verbs/status.ts';
import { statusOf } from './cli-environment.ts';
import { fakeIo } from './io.ts';

/** A cluster with one Upgrade, which fell back. */
function decided(): Cluster {
  const body = {
    metadata: { name: 'web', namespace: 'shop', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: {
      targetRef: { kind: 'Deployment', name: 'web' },
      containers: [{ name: 'web', image: 'registry.example/web:2.0' }],
    },
    status: statusOf('FellBack'),
  };
  return { namespace: 'shop', try: async () => ({ ok: true, body }) } as unknown as Cluster;
}

test.each([
  ['json', (text: string) => text.split('\n').map((line) => JSON.parse(line))],
  ['yaml', (text: string) => parseAllDocuments(text).map((document) => document.toJS())],
] as const)('while it waits, -o %s prints each change in that format', async (output, parsed) => {
  const io = fakeIo();
  expect(await status(io, decided(), 'web', { output })).toBe(2);
  const text = io.lines.join('\n');
  expect(parsed(text)).toEqual([expect.objectContaining({ name: 'web', phase: 'FellBack', decided: true })]);
  expect(text.startsWith(output === 'json' ? '{' : '---\n')).toBe(true);
});
