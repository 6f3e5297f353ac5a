/**
 * Runs the parts of a bench one after the other. Whatever one of them does (throws, hangs, loses its connections, leaves a promise
 * behind), the others are measured, and the report says which part failed where. Everything is built before anything is measured.
 */
import type { EventEmitter } from 'node:events';
import { type Figure, type FigureSpec, Sheet } from './measure.ts';

/** Something that has to be there before measuring begins: a program, an image. */
export interface Build {
  readonly name: string;
  readonly limitMs: number;
  /** Must not keep the event loop: connections die of that. */
  build(signal: AbortSignal): Promise<void>;
}

export interface Part<Name extends string = string> {
  readonly name: string;
  readonly figures: Readonly<Record<Name, FigureSpec>>;
  readonly needs: readonly Build[];
  readonly limitMs: number;
  /** Notes values as they come, so that those noted before a failure stand. */
  measure(sheet: Sheet<Name>, signal: AbortSignal): Promise<void>;
  /** Takes away what `measure` made, however far that came. */
  clear(signal: AbortSignal): Promise<void>;
}

export interface Failure {
  /** Name of the part or build. */
  readonly of: string;
  readonly during: 'build' | 'measure' | 'clear';
  readonly why: string;
}

export interface Report {
  readonly figures: readonly Figure[];
  readonly failures: readonly Failure[];
}

export interface HarnessOptions {
  readonly say: (line: string) => void;
  /** Tells of `uncaughtException` and `unhandledRejection`: the process. */
  readonly strays: Pick<EventEmitter, 'on' | 'off'>;
  readonly clearLimitMs: number;
}

const STRAYS = ['uncaughtException', 'unhandledRejection'] as const;

const MOST_CHARACTERS = 100;

/** One line: a program that failed says in the first line that it did, and in the last one why. */
function wordsOf(error: unknown): string {
  const text = (error as Partial<Error> | undefined)?.message ?? String(error);
  const lines = text.trim().split('\n');
  return [...new Set([lines.at(0), lines.at(-1)])].map((line) => line?.slice(0, MOST_CHARACTERS)).join(' … ');
}

class Bench {
  readonly failures: Failure[] = [];
  readonly #options: HarnessOptions;
  readonly #unbuilt = new Map<Build, string>();

  constructor(options: HarnessOptions) {
    this.#options = options;
  }

  async build(build: Build): Promise<void> {
    this.#options.say(`building ${build.name}`);
    const why = await this.#try(build.name, 'build', build.limitMs, (signal) => build.build(signal));
    if (why !== undefined) {
      this.#unbuilt.set(build, why);
    }
  }

  async measure(part: Part): Promise<Figure[]> {
    const sheet = new Sheet(part.figures);
    const lacks = part.needs.find((build) => this.#unbuilt.has(build));
    if (lacks) {
      return sheet.figures(`${lacks.name} was not built: ${this.#unbuilt.get(lacks)}`);
    }
    this.#options.say(`measuring ${part.name}`);
    const why = await this.#try(part.name, 'measure', part.limitMs, (signal) => part.measure(sheet, signal));
    const figures = sheet.figures(why ?? `${part.name} ended without it`);
    await this.#try(part.name, 'clear', this.#options.clearLimitMs, (signal) => part.clear(signal));
    return figures;
  }

  /**
   * Runs `body` to its end, to its time limit, or to the first error that nobody caught meanwhile. Never rejects: returns why it failed,
   * if it did. What it leaves running is told by the signal.
   */
  async #try(
    of: string,
    during: Failure['during'],
    limitMs: number,
    body: (signal: AbortSignal) => Promise<void>,
  ): Promise<string | undefined> {
    const stop = new AbortController();
    const { promise: cut, resolve: end } = Promise.withResolvers<string>();
    const timer = setTimeout(() => end(`it took longer than ${limitMs / 1000} s`), limitMs);
    const forget = listen(this.#options.strays, (error) =>
      end(`an error that nobody caught: ${wordsOf(error)}`),
    );
    const whole = (async () => body(stop.signal))().then(() => undefined, wordsOf);
    const why = await Promise.race([whole, cut]);
    clearTimeout(timer);
    forget();
    stop.abort();
    if (why !== undefined) {
      this.failures.push({ of, during, why });
      this.#options.say(`${of} failed to ${during}: ${why}`);
    }
    return why;
  }
}

function listen(strays: HarnessOptions['strays'], heard: (error: unknown) => void): () => void {
  for (const event of STRAYS) {
    strays.on(event, heard);
  }
  return () => {
    for (const event of STRAYS) {
      strays.off(event, heard);
    }
  };
}

/** Builds all that the parts need, then runs them in turn; never rejects. */
export async function runBench(parts: readonly Part[], options: HarnessOptions): Promise<Report> {
  // A part that was given up may let go of a promise later on: that must not end the others.
  const forget = listen(options.strays, (error) => options.say(`nobody caught: ${wordsOf(error)}`));
  const bench = new Bench(options);
  for (const build of new Set(parts.flatMap(({ needs }) => needs))) {
    await bench.build(build);
  }
  const figures: Figure[] = [];
  for (const part of parts) {
    figures.push(...(await bench.measure(part)));
  }
  forget();
  return { figures, failures: bench.failures };
}
