/** What `probe` says of a command that a container does not have, or cannot run. */
import { describe, expect, test } from '@jest/globals';
import type { ExecResult } from '../../../src/core/verification/exec-result.ts';
import type { Cluster } from '../src/cluster.ts';
import { probe } from '../src/verbs/probe.ts';
import { fakeIo } from './io.ts';

/** A pod whose container responds so to every command. */
function responding(result: ExecResult, upgrades: readonly object[] = []): Cluster {
  const web = { name: 'web', image: 'registry.example/web:2.0' };
  const pod = {
    metadata: {
      name: 'web-1',
      namespace: 'shop',
      uid: 'u',
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'web', uid: 'd', controller: true },
      ],
    },
    spec: { containers: [web] },
    status: { phase: 'Running', containerStatuses: [{ ...web, containerID: 'c', state: { running: {} } }] },
  };
  return {
    namespace: 'shop',
    read: async () => pod,
    list: async () => upgrades,
    executor: { exec: async () => result },
  } as unknown as Cluster;
}

describe('probe', () => {
  test.each([
    [{ kind: 'missing' }, 'image web:2.0 has no /usr/bin/readiness_probe.sh (CommandMissing): add it, '],
    [
      { kind: 'unrunnable', why: 'NotExecutable' },
      '/usr/bin/readiness_probe.sh in image web:2.0 cannot be run',
    ],
  ] as const)('of %j names the command and what to do', async (result, said) => {
    const io = fakeIo();
    expect(await probe(io, responding(result), 'pod/web-1', {})).toBe(6);
    expect(io.lines[1]).toContain(said);
  });

  test.each([
    [{ kind: 'refused', status: 403, message: 'no' }, 'you need get and create on pods/exec'],
    [{ kind: 'refused', status: 500, message: 'the kubelet is away' }, 'the kubelet is away'],
  ] as const)('does not say that a check fails when it returned no result: %j', async (result, said) => {
    const io = fakeIo();
    expect(await probe(io, responding(result as ExecResult), 'pod/web-1', {})).toBe(1);
    expect(io.lines.join('\n')).toContain(said);
    expect(io.notes.at(-1)).toBe('1 pod: 0 of 1 probe passed, 1 returned no result');
  });

  test('says of an Upgrade without checks that readiness alone decides, and does not fail', async () => {
    const upgrade = {
      metadata: { name: 'web', namespace: 'shop', creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: {
        targetRef: { kind: 'DaemonSet', name: 'web' },
        containers: [{ name: 'web', image: 'registry.example/web:2.0' }],
        postCheck: { checks: [] },
      },
    };
    const io = fakeIo();
    expect(await probe(io, responding({ kind: 'missing' }, [upgrade]), 'pod/web-1', {})).toBe(0);
    expect(io.notes).toEqual([
      'Nothing to probe: spec.postCheck.checks is empty, so readiness alone decides.',
    ]);
  });
});
