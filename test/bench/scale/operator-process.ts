/** One process of the operator on the bench, and what it costs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { join, resolve } from 'node:path';
import { execPath } from 'node:process';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseMetrics, type Samples } from '../../e2e/support/metrics.ts';
import { cpuSecondsOf } from '../../support/cpu-seconds.ts';
import { IdleProcess, type LoopLag, lagOf, MEASURES_LAG } from './lag.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
/** What Node allows itself in a container with the chart's limit of memory (512 MiB), whatever the machine has. */
const HEAP_MIB = 256;

export interface Cost {
  readonly cpuSeconds: number;
  /** The most memory that it had meanwhile. */
  readonly peakMiB: number;
  readonly lag: LoopLag;
  /** That of a process that does nothing: what the machine adds. */
  readonly idleLag: LoopLag;
  readonly before: Samples;
  readonly after: Samples;
}

export interface OperatorOptions {
  readonly kubeconfig: string;
  readonly identity: string;
  /** Where to write a CPU profile when it ends. */
  readonly profiles?: string | undefined;
  readonly flags?: readonly string[];
}

const DOCKERFILE = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');

/** Flags of Node as the operator's image sets them. */
function imageFlags(): readonly string[] {
  const [, entrypoint = ''] = /^ENTRYPOINT (\[.*\])$/m.exec(DOCKERFILE) ?? [];
  return (JSON.parse(entrypoint) as string[]).filter((word) => word.startsWith('--'));
}

/** How memory is allocated in the operator's image. */
function imageAllocation(): Readonly<Record<string, string>> {
  const [, most = ''] = /^ENV .*\bMALLOC_ARENA_MAX=(\d+)/m.exec(DOCKERFILE) ?? [];
  return { MALLOC_ARENA_MAX: most };
}

export class OperatorProcess {
  readonly #child: ChildProcess;
  readonly #idle = new IdleProcess();
  readonly #lines: Record<string, unknown>[] = [];
  #waiting: (() => void)[] = [];

  constructor({ kubeconfig, identity, profiles, flags: more = [] }: OperatorOptions) {
    const flags = [
      `--kubeconfig=${kubeconfig}`,
      '--lease-namespace=postcheck-system',
      '--metrics-bind-address=127.0.0.1:0',
      '--health-probe-bind-address=127.0.0.1:0',
      ...more,
    ];
    const profiling = profiles ? ['--cpu-prof', `--cpu-prof-dir=${profiles}`] : [];
    const node = [...imageFlags(), `--max-old-space-size=${HEAP_MIB}`, ...profiling];
    const program = [...MEASURES_LAG, join(ROOT, 'dist/postcheck.mjs')];
    this.#child = spawn(execPath, [...node, ...program, ...flags], {
      env: { ...process.env, ...imageAllocation(), POD_NAME: identity },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    let rest = '';
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      const pieces = (rest + chunk.toString()).split('\n');
      rest = pieces.pop() ?? '';
      this.#lines.push(...pieces.map((line) => JSON.parse(line) as Record<string, unknown>));
      for (const look of this.#waiting.splice(0)) {
        look();
      }
    });
    this.#child.on('exit', () => {
      for (const look of this.#waiting.splice(0)) {
        look();
      }
    });
  }

  /** What it said last. */
  lastLines(count: number): readonly Readonly<Record<string, unknown>>[] {
    return this.#lines.slice(-count);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** Waits until it says so, and returns the line. */
  async says(message: string): Promise<Record<string, unknown>> {
    for (;;) {
      const found = this.#lines.find(({ msg }) => msg === message);
      if (found) {
        return found;
      }
      if (this.#ended) {
        throw new Error(`the operator ended before it said "${message}"`);
      }
      await new Promise<void>((look) => this.#waiting.push(look));
    }
  }

  /** What it costs while `body` runs. Rejects when it ends meanwhile, as a leader does that cannot renew its Lease. */
  async during(body: () => Promise<void>): Promise<Cost> {
    const before = await this.metrics();
    await Promise.all([lagOf(this.#child), this.#idle.lag()]);
    writeFileSync(`/proc/${this.#child.pid}/clear_refs`, '5');
    const cpu = this.#cpu();
    await Promise.race([body(), this.#fails()]);
    const cpuSeconds = this.#cpu() - cpu;
    const peakMiB = this.#peakMiB();
    const [lag, idleLag] = await Promise.all([lagOf(this.#child), this.#idle.lag()]);
    return { cpuSeconds, peakMiB, lag, idleLag, before, after: await this.metrics() };
  }

  async metrics(): Promise<Samples> {
    const { metrics } = await this.says('started');
    const [answer] = (await once(get(`http://${metrics}/metrics`), 'response')) as [NodeJS.ReadableStream];
    return parseMetrics(await text(answer));
  }

  /** Waits until its caches have synced. */
  async isReady(): Promise<void> {
    const { health } = await this.says('started');
    for (;;) {
      const [answer] = (await once(get(`http://${health}/readyz`), 'response')) as [IncomingMessage];
      answer.resume();
      if (answer.statusCode === 200) {
        return;
      }
      await sleep(20);
    }
  }

  /** Ends it, and returns when it has. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#idle.end();
    if (!this.#ended) {
      const ended = once(this.#child, 'exit');
      this.#child.kill(signal);
      await ended;
    }
  }

  /** Sends the signal, and leaves the ending to it. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#child.kill(signal);
  }

  async #fails(): Promise<never> {
    if (!this.#ended) {
      await once(this.#child, 'exit');
    }
    const { msg, why } = this.#lines.at(-1) ?? {};
    throw new Error(`the operator ended: ${msg ?? 'it said nothing'}${why ? ` (${why})` : ''}`);
  }

  #cpu(): number {
    return cpuSecondsOf(this.#child.pid as number);
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #peakMiB(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
  }
}

/** How much a counter has grown, over all its series. */
export function growth({ before, after }: Pick<Cost, 'before' | 'after'>, name: string): number {
  const sum = (samples: Samples) =>
    [...samples]
      .filter(([key]) => key === name || key.startsWith(`${name}{`))
      .reduce((all, [, value]) => all + value, 0);
  return sum(after) - sum(before);
}

/**
 * The quantile of what a histogram has seen meanwhile, within its bucket by straight line as Prometheus reckons it; NaN when it has seen nothing.
 * Beyond the last bound it is that bound. `label`: of the one series that has it, as `write="images"`.
 */
export function quantile(
  { before, after }: Pick<Cost, 'before' | 'after'>,
  name: string,
  q: number,
  label = '',
): number {
  const bounds = [...after]
    .filter(([key]) => key.startsWith(`${name}_bucket{`) && key.includes(label))
    .map(([key, value]): [number, number] => [
      Number((/le="([^"]+)"/.exec(key)?.[1] ?? '').replace('+Inf', 'Infinity')),
      value - (before.get(key) ?? 0),
    ])
    .sort(([a], [b]) => a - b);
  const wanted = (bounds.at(-1)?.[1] ?? 0) * q;
  let [from, below] = [0, 0];
  for (const [bound, count] of bounds) {
    if (count >= wanted && count > below) {
      return bound === Number.POSITIVE_INFINITY
        ? from
        : from + ((bound - from) * (wanted - below)) / (count - below);
    }
    [from, below] = [bound, count];
  }
  return Number.NaN;
}
