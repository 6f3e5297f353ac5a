/** A real Prometheus on this machine, with the chart's alerts, that scrapes what a test tells it to. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { prometheus } from '../chart/promtool.ts';
import { freePort } from './free-port.ts';

const ALERTS = resolve(import.meta.dirname, '../../charts/postcheck/files/alerts.yaml');
const START_MS = 30_000;

/** One series and its value now. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One series over time. */
export interface Track {
  readonly labels: Readonly<Record<string, string>>;
  /** Seconds since the epoch, and the value then. */
  readonly values: readonly (readonly [at: number, value: number])[];
}

interface Answer<Result> {
  readonly status: string;
  readonly error?: string;
  readonly data: { readonly result: readonly Result[] };
}

export class Prometheus {
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly url: string;
  #said = '';

  private constructor(child: ChildProcess, folder: string, url: string) {
    this.#process = child;
    this.#folder = folder;
    this.url = url;
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#said = `${this.#said}${chunk}`.slice(-8000);
    });
  }

  /** Starts one that scrapes and looks at its rules every second; `scrape` is an entry of `scrape_configs`. */
  static async start(scrape: object): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'postcheck-prometheus-'));
    const config = {
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: [ALERTS],
      scrape_configs: [{ job_name: 'postcheck', ...scrape }],
    };
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
    const address = `127.0.0.1:${await freePort()}`;
    const child = spawn(
      prometheus(),
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=${address}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const one = new Prometheus(child, folder, `http://${address}`);
    await one.#ready();
    return one;
  }

  async #ready(): Promise<void> {
    for (const began = performance.now(); performance.now() - began < START_MS; ) {
      if (this.#process.exitCode !== null) {
        break;
      }
      const answer = await fetch(`${this.url}/-/ready`).catch(() => undefined);
      if (answer?.ok) {
        return;
      }
      await new Promise((done) => setTimeout(done, 200));
    }
    await this.stop();
    throw new Error(`Prometheus does not start: ${this.#said}`);
  }

  /** What an expression is now; throws with Prometheus' words when it is none. */
  async query(expression: string): Promise<Sample[]> {
    const result = await this.#ask<{ metric: Record<string, string>; value: [number, string] }>('query', {
      query: expression,
    });
    return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  }

  /** What it was from then until then, every `step` seconds. */
  async range(expression: string, from: number, to: number, step: number): Promise<Track[]> {
    const times = { start: String(from), end: String(to), step: String(step) };
    const result = await this.#ask<{ metric: Record<string, string>; values: [number, string][] }>(
      'query_range',
      { query: expression, ...times },
    );
    return result.map(({ metric, values }) => ({
      labels: metric,
      values: values.map(([at, value]) => [at, Number(value)] as const),
    }));
  }

  async #ask<Result>(what: string, query: Record<string, string>): Promise<readonly Result[]> {
    const answer = await fetch(`${this.url}/api/v1/${what}`, {
      method: 'POST',
      // A kept connection may be closed by the server in the very moment in which it is used again.
      headers: { connection: 'close' },
      body: new URLSearchParams(query),
    });
    const { status, error, data } = (await answer.json()) as Answer<Result>;
    if (status !== 'success') {
      throw new Error(`${query['query']}: ${error}`);
    }
    return data.result;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, 'exit');
      this.#process.kill('SIGTERM');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
