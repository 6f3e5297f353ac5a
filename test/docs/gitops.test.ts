/**
 * How Argo CD and Flux judge an Upgrade in every situation that has a scene: the guide's Lua in Argo CD's engine, and Flux's kstatus.
 * The program is test/gitops; the conditions are what the real decisions come to.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { GROUP, UNSEEN, VERSION } from '../../src/api/names.ts';
import type { UpgradeStatus } from '../../src/api/types.ts';
import { blocksOf } from '../support/pages.ts';
import { Stage } from '../support/stage.ts';
import { SCENES } from './scenes.ts';

interface Verdict {
  readonly health: string;
  readonly healthMessage: string;
  readonly status: string;
}

const folder = mkdtempSync(join(tmpdir(), 'postcheck-gitops-'));
const program = join(folder, 'gitops');
const script = join(folder, 'health.lua');

/** Go's own cache makes this a moment when it has been built before. */
const BUILD_MS = 600_000;

beforeAll(() => {
  execFileSync('go', ['-C', 'test/gitops', 'build', '-o', program, '.'], { stdio: 'pipe' });
  const block = blocksOf('docs/guides/gitops.md').find(({ text }) =>
    text.includes('resource.customizations'),
  );
  const [lua] = Object.values((parse(block?.text ?? '') as { data: Record<string, string> }).data);
  writeFileSync(script, lua ?? '');
}, BUILD_MS);
afterAll(() => rmSync(folder, { recursive: true }));

function judge(status: Partial<UpgradeStatus> | undefined, generation = 1): Verdict {
  const object = {
    apiVersion: `${GROUP}/${VERSION}`,
    kind: 'Upgrade',
    metadata: { name: 'web', namespace: 'shop', generation },
    ...(status ? { status } : {}),
  };
  const input = JSON.stringify([object]);
  const [verdict] = JSON.parse(execFileSync(program, [script], { encoding: 'utf8', input }));
  return verdict;
}

/** What the two tools shall say, by what a person would: it works, somebody must act, or wait. */
function expected({ conditions = [] }: Partial<UpgradeStatus>): Pick<Verdict, 'health' | 'status'> {
  const is = (type: string) => conditions.find((condition) => condition.type === type);
  if (is('Ready')?.status === 'True') {
    return { health: 'Healthy', status: 'Current' };
  }
  if (is('Stalled')?.status === 'True') {
    return { health: 'Degraded', status: 'Failed' };
  }
  const waiting: Readonly<Record<string, string>> = { Paused: 'Suspended', Drifted: 'Degraded' };
  return { health: waiting[is('Ready')?.reason ?? ''] ?? 'Progressing', status: 'InProgress' };
}

function verified(): Partial<UpgradeStatus> {
  const stage = new Stage();
  stage.settle();
  stage.hears({ kind: 'exit', code: 0, output: '' });
  return stage.settle().status;
}

describe('Argo CD and Flux', () => {
  test('take a verified Upgrade for healthy, and tell its sentence', () => {
    const status = verified();
    expect(judge(status)).toMatchObject({
      health: 'Healthy',
      status: 'Current',
      healthMessage: status.message,
    });
  });

  test.each(Object.entries(SCENES))('are told by the conditions: %s', (_, scene) => {
    const { status } = scene();
    expect(judge(status)).toMatchObject(expected(status));
  });

  test('take a fallback for a failure', () => {
    expect(judge(SCENES['FellBack']?.().status)).toMatchObject({ health: 'Degraded', status: 'Failed' });
  });

  test('wait for postcheck to see an Upgrade, and each change of it', () => {
    expect(judge({ observedGeneration: UNSEEN })).toMatchObject({
      health: 'Progressing',
      status: 'InProgress',
    });
    expect(judge(verified(), 2)).toMatchObject({ health: 'Progressing', status: 'InProgress' });
  });
});
