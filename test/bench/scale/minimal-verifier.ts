/** (a) The same rollout verified by a minimal client-go program: an exec and a condition for each pod, nothing stored, no fallback. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { cpuSecondsOf } from '../../support/cpu-seconds.ts';
import type { Part } from '../harness.ts';
import type { Figure } from '../measure.ts';
import { Agents, type AgentsShape, clearAgents, LIMIT_MS, NAMESPACE, seconds } from './agents.ts';
import type { Fleet } from './fleet.ts';

const SOURCE = resolve(import.meta.dirname, '../client-go');
const BINARY = join(mkdtempSync(join(tmpdir(), 'postcheck-verifier-')), 'verifier');
/** Not the operator's own gate: it would open that. */
const GATE = 'bench.postcheck.dev/verified';

async function build(): Promise<void> {
  await promisify(execFile)('go', ['build', '-o', BINARY, './verifier'], { cwd: SOURCE });
}

export class MinimalVerifier {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Starts it; it returns when its cache has synced. */
  static async start(kubeconfig: string, namespace: string): Promise<MinimalVerifier> {
    const flags = ['-kubeconfig', kubeconfig, '-namespace', namespace, '-gate', GATE];
    const child = spawn(BINARY, flags, { stdio: ['pipe', 'pipe', 'inherit'] });
    const synced = await Promise.race([
      once(child.stdout, 'data'),
      once(child, 'exit').then(() => undefined),
    ]);
    if (!synced) {
      throw new Error('the minimal verifier ended before its cache had synced');
    }
    return new MinimalVerifier(child);
  }

  get cpuSeconds(): number {
    return cpuSecondsOf(this.#child.pid as number);
  }

  async end(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await ended;
  }
}

function specsOf({ pods, startsAfter }: AgentsShape) {
  const start = startsAfter ? `, ready ${startsAfter} after their start` : '';
  const of = `(a) ${pods} pods${start}, RollingUpdate, a command in each, by a minimal client-go program`;
  return {
    bare: { name: `${of}: bare rollout`, unit: 's' },
    verified: { name: `${of}: verified`, unit: 's' },
    ratio: { name: `${of}: verified ÷ bare`, unit: '×' },
    cpu: { name: `${of}: its CPU a pod`, unit: 'ms' },
    cluster: { name: `${of}: CPU a pod of all the others, verified`, unit: 'ms' },
  };
}
type Kind = keyof ReturnType<typeof specsOf>;

export function minimalVerifierPart(fleet: () => Fleet, shape: AgentsShape): Part<Kind> {
  return {
    name: `${shape.pods} pods by a minimal client-go program`,
    figures: specsOf(shape),
    needs: [],
    limitMs: 2 * LIMIT_MS,
    measure: async (sheet) => {
      await build();
      const agents = new Agents(fleet(), shape);
      await agents.create();
      const bare = await seconds(() => agents.roll('v2'));
      sheet.note('bare', bare);
      const verifier = await MinimalVerifier.start(fleet().kubeconfig, NAMESPACE);
      const cpu = verifier.cpuSeconds;
      const cluster = await fleet().cpuDuring(async () => {
        const verified = await seconds(() =>
          agents.roll('v3', { readinessGates: [{ conditionType: GATE }] }),
        );
        sheet.note('verified', verified);
        sheet.note('ratio', verified / bare);
      });
      sheet.note('cpu', ((verifier.cpuSeconds - cpu) * 1000) / shape.pods);
      sheet.note('cluster', (cluster * 1000) / shape.pods);
      await verifier.end();
    },
    clear: () => clearAgents(fleet()),
  };
}

/** What the operator takes, of what the minimal program takes for the same pods; nothing unless both were measured. */
export function ofMinimal(figures: readonly Figure[], shape: AgentsShape, ours: string): Figure[] {
  const [theirs = Number.NaN, took = Number.NaN] = [specsOf(shape).verified.name, ours].map(
    (wanted) => figures.find(({ name }) => name === wanted)?.values[0],
  );
  return took / theirs > 0
    ? [{ name: `${ours} ÷ by a minimal client-go program`, unit: '×', values: [took / theirs], missing: [] }]
    : [];
}
