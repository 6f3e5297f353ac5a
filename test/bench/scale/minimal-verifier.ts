/** (a) The same rollout verified by a minimal client-go program: an exec and a condition for each pod, nothing stored, no fallback. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpuSecondsOf } from '../../support/cpu-seconds.ts';
import { goProgram } from '../go-program.ts';
import type { Part } from '../harness.ts';
import type { Figure } from '../measure.ts';
import { Agents, type AgentsShape, clearAgents, LIMIT_MS, NAMESPACE, seconds } from './agents.ts';
import type { Fleet } from './fleet.ts';

/** Not the operator's own gate: it would open that. */
const GATE = 'bench.postcheck.dev/verified';

export class MinimalVerifier {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Starts it; it returns when its cache has synced. */
  static async start(binary: string, kubeconfig: string, namespace: string): Promise<MinimalVerifier> {
    const flags = ['-kubeconfig', kubeconfig, '-namespace', namespace, '-gate', GATE];
    const child = spawn(binary, flags, { stdio: ['pipe', 'pipe', 'inherit'] });
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
  const program = goProgram('the minimal client-go program', './verifier');
  return {
    name: `${shape.pods} pods by a minimal client-go program`,
    figures: specsOf(shape),
    needs: [program],
    limitMs: 2 * LIMIT_MS,
    measure: async (sheet) => {
      const agents = new Agents(fleet(), shape);
      await fleet().preparing(() => agents.create());
      const bare = await seconds(() => agents.roll('v2'));
      sheet.note('bare', bare);
      const verifier = await MinimalVerifier.start(program.binary, fleet().kubeconfig, NAMESPACE);
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
