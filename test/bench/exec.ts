/** (c) exec tries a second and client CPU per 1,000 tries, against a small client-go program, block by block in turn. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, execPath } from 'node:process';
import type { Figure } from './measure.ts';
import { NAMESPACE, type Site } from './site.ts';

interface Block {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly failed: number;
}

const TRIES = 150;
const AT_ONCE = [1, 4, 16, 50] as const;

export async function benchExec(site: Site, rounds: number, say: (line: string) => void): Promise<Figure[]> {
  const binary = join(mkdtempSync(join(tmpdir(), 'postcheck-bench-')), 'client-go');
  say('building the client-go program');
  execFileSync('go', ['build', '-o', binary, '.'], {
    cwd: join(import.meta.dirname, 'client-go'),
    stdio: 'inherit',
  });
  await site.createDeployment('execs', 10);
  await site.rolledOut('execs');
  const pods = (await site.pods('execs')).map(({ metadata }) => metadata.name as string).join(',');
  const kubeconfig = env['KUBECONFIG'] ?? '';
  const context = env['CONTEXT'] ?? '';
  const block = (file: string, args: string[]): Block =>
    JSON.parse(execFileSync(file, args, { encoding: 'utf8' })) as Block;
  const node = (atOnce: number) =>
    block(execPath, [
      join(import.meta.dirname, 'exec-client.ts'),
      kubeconfig,
      context,
      NAMESPACE,
      pods,
      String(TRIES),
      String(atOnce),
    ]);
  const go = (atOnce: number) =>
    block(binary, [
      '-kubeconfig',
      kubeconfig,
      '-context',
      context,
      '-namespace',
      NAMESPACE,
      '-pods',
      pods,
      '-tries',
      String(TRIES),
      '-at-once',
      String(atOnce),
    ]);
  const figures: Figure[] = [];
  for (const atOnce of AT_ONCE) {
    say(`execs, ${atOnce} at once`);
    const pairs = Array.from({ length: rounds }, () => ({ ours: node(atOnce), theirs: go(atOnce) }));
    const rate = ({ seconds }: Block) => TRIES / seconds;
    const cpu = ({ cpuSeconds }: Block) => (cpuSeconds * 1000) / TRIES;
    figures.push(
      {
        name: `(c) tries a second, ${atOnce} at once: postcheck`,
        unit: '/s',
        values: pairs.map(({ ours }) => rate(ours)),
      },
      {
        name: `(c) tries a second, ${atOnce} at once: client-go`,
        unit: '/s',
        values: pairs.map(({ theirs }) => rate(theirs)),
      },
      {
        name: `(c) ratio, ${atOnce} at once`,
        unit: '×',
        values: pairs.map(({ ours, theirs }) => rate(ours) / rate(theirs)),
        aim: '≥ 1.0',
      },
      {
        name: `(c) CPU s per 1,000 tries, ${atOnce} at once: postcheck`,
        unit: 's',
        values: pairs.map(({ ours }) => cpu(ours)),
      },
      {
        name: `(c) CPU s per 1,000 tries, ${atOnce} at once: client-go`,
        unit: 's',
        values: pairs.map(({ theirs }) => cpu(theirs)),
      },
      {
        name: `(c) CPU ratio, ${atOnce} at once`,
        unit: '×',
        values: pairs.map(({ ours, theirs }) => cpu(ours) / cpu(theirs)),
        aim: '≤ 1.5',
      },
      {
        name: `(c) failed tries, ${atOnce} at once, both`,
        unit: '',
        values: [pairs.reduce((sum, { ours, theirs }) => sum + ours.failed + theirs.failed, 0)],
        aim: '0',
      },
    );
  }
  await site.api.remove(site.deployment('execs'));
  return figures;
}
