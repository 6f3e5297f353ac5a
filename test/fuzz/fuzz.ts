/** Feeds a parser with hostile input, each case of its own seed, and tells what broke, with the command that plays it again. */
import type { Parser } from './parsers.ts';
import { Random } from './random.ts';

export interface Fuzzed {
  readonly name: string;
  readonly cases: number;
  readonly failures: readonly string[];
}

/**
 * A case may cost so many times what it costs to read its bytes as JSON, and this much anyhow: measured against the machine as it is in
 * this moment.
 */
const TIMES_AS_COSTLY = 100;
const FREE_MS = 10;
const MOST_FAILURES = 3;

export const replayOf = (name: string, seed: number): string =>
  `node test/fuzz/soak.ts --only '${name}' --seed ${seed} --cases 1`;

/** Reads the case of this seed; returns what is wrong with it, if anything is. */
export function playCase(parser: Parser, seed: number): string | undefined {
  const input = parser.input(new Random(seed));
  const text = JSON.stringify(input) ?? '';
  const began = performance.now();
  let kept: number;
  try {
    kept = parser.read(input as never);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const took = performance.now() - began;
  if (kept > parser.keeps(text.length)) {
    return `keeps ${kept} bytes of ${text.length}`;
  }
  return took > FREE_MS && isCostly(parser, input, text)
    ? `costs more than going over its ${text.length} bytes ${TIMES_AS_COSTLY} times`
    : undefined;
}

/** CPU time of this thread alone: other processes do not count. */
function cpuMs(run: () => void): number {
  const before = process.threadCpuUsage();
  run();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

/** Measured again, the best of several: once may have been the garbage collector or another process. */
function isCostly(parser: Parser, input: unknown, text: string): boolean {
  const best = (run: () => void): number => Math.min(...Array.from({ length: 5 }, () => cpuMs(run)));
  const reading = best(() => void parser.read(input as never));
  const walking = best(() => void JSON.parse(text));
  return reading > (FREE_MS + TIMES_AS_COSTLY * walking) * (parser.weight ?? 1);
}

/** Case n of a run has the seed `seed + n`. */
export function fuzz(parser: Parser, seed: number, cases: number): Fuzzed {
  const failures: string[] = [];
  let done = 0;
  for (; done < cases && failures.length < MOST_FAILURES; done++) {
    const wrong = playCase(parser, seed + done);
    if (wrong !== undefined) {
      failures.push(`${parser.name}, case ${seed + done}: ${wrong}\n  ${replayOf(parser.name, seed + done)}`);
    }
  }
  return { name: parser.name, cases: done, failures };
}
