/** A real OpenTelemetry collector on this machine, built from its Go modules (test/otelcol): what it received can be read. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from './free-port.ts';

const SOURCES = resolve(import.meta.dirname, '../otelcol');
const START_MS = 30_000;

/** A span in the words of the protocol. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly startedAt: number;
  readonly endedAt: number;
  /** 1: ok, 2: error. */
  readonly status: { readonly code?: number; readonly message?: string };
  readonly attributes: Readonly<Record<string, string>>;
  /** Of the process that sent it. */
  readonly resource: Readonly<Record<string, string>>;
}

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}
interface Batch {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes?: readonly Attribute[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<ReceivedSpan, 'attributes' | 'resource'> & {
        readonly startTimeUnixNano: string;
        readonly endTimeUnixNano: string;
        readonly attributes?: readonly Attribute[];
      })[];
    }[];
  }[];
}

const valuesOf = (attributes: readonly Attribute[] = []): Record<string, string> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, String(Object.values(value)[0])]));

/** Builds it once; Go's own cache makes the next time quick. */
export function buildCollector(folder: string): string {
  const program = join(folder, 'otelcol');
  execFileSync('go', ['build', '-o', program, '.'], { cwd: SOURCES, stdio: 'pipe' });
  return program;
}

export class Collector {
  readonly endpoint: string;
  readonly #folder: string;
  readonly #program: string;
  #process: ChildProcess | undefined;
  #said = '';

  private constructor(folder: string, endpoint: string) {
    this.#folder = folder;
    this.endpoint = endpoint;
    this.#program = buildCollector(folder);
  }

  static async start(): Promise<Collector> {
    const folder = mkdtempSync(join(tmpdir(), 'postcheck-collector-'));
    const one = new Collector(folder, `http://127.0.0.1:${await freePort()}`);
    await one.#run();
    return one;
  }

  get #received(): string {
    return join(this.#folder, 'spans.jsonl');
  }

  async #run(): Promise<void> {
    const config = {
      receivers: { otlp: { protocols: { http: { endpoint: new URL(this.endpoint).host } } } },
      exporters: { file: { path: this.#received, flush_interval: '100ms' } },
      service: {
        pipelines: { traces: { receivers: ['otlp'], exporters: ['file'] } },
        telemetry: { metrics: { level: 'none' } },
      },
    };
    const child = spawn(this.#program, ['--config', `yaml:${JSON.stringify(config)}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process = child;
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#said = `${this.#said}${chunk}`.slice(-8000);
    });
    for (const began = performance.now(); performance.now() - began < START_MS; ) {
      // It knows no other path: an answer of any kind says that it listens.
      if (await fetch(this.endpoint).catch(() => undefined)) {
        return;
      }
      await new Promise((again) => setTimeout(again, 50));
    }
    await this.stop();
    throw new Error(`the collector does not start: ${this.#said}`);
  }

  /** Everything that has been written so far. */
  spans(): readonly ReceivedSpan[] {
    const lines = existsSync(this.#received) ? readFileSync(this.#received, 'utf8').trim().split('\n') : [];
    const batches = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Batch);
    return batches
      .flatMap(({ resourceSpans }) => resourceSpans)
      .flatMap(({ resource, scopeSpans }) =>
        scopeSpans
          .flatMap(({ spans }) => spans)
          .map(({ startTimeUnixNano, endTimeUnixNano, attributes, parentSpanId = '', ...span }) => ({
            ...span,
            parentSpanId,
            startedAt: Number(startTimeUnixNano) / 1e6,
            endedAt: Number(endTimeUnixNano) / 1e6,
            attributes: valuesOf(attributes),
            resource: valuesOf(resource.attributes),
          })),
      );
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child && child.exitCode === null && child.signalCode === null) {
      child.kill();
      await once(child, 'exit');
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
