/** Cuts a story at every write, in every way, and compares how each plan ends with the run without a cut. With all tests a part of the plans is played: test/support/share.ts. */
import { addRecovery } from '../support/figures.ts';
import { shareOf } from '../support/share.ts';
import type { Cut, Fault } from './operator.ts';
import { cutAt, play, type Run } from './run.ts';
import type { Story } from './story.ts';

export const CUTS: readonly Cut[] = ['before', 'lost', 'after'];
const PAUSE_MS = 3000;
/** A new process knows neither cycles nor streaks: it may need one more period for each pod, and the pause. */
const LATE_SECONDS = 45;
const DEADLINE_LATE_SECONDS = PAUSE_MS / 1000 + 14;
const EXTRA_WRITES = 5;

export interface Sweep {
  /** How many were played, and of how many. */
  readonly plans: number;
  readonly of: number;
  readonly failures: readonly string[];
}

/** One command that plays the same again. */
export const replayOf = (story: Story, seed: number, number: number, fault: Fault): string =>
  `npx node test/sim/replay.ts '${story.name}' --seed ${seed} --crash ${number}:${fault}`;

export async function sweep(story: Story, seed: number, cuts: readonly Cut[] = CUTS): Promise<Sweep> {
  const reference = await play(story, { seed });
  const failures = reference.violations.map((violation) => `${story.name} without a cut: ${violation}`);
  const all = reference.writes.flatMap(({ number, kind }) => cuts.map((cut) => ({ number, kind, cut })));
  const plans = shareOf(all, story.name, ({ kind }) => kind);
  for (const { number, kind, cut } of plans) {
    const run = await play(story, { seed, pauseMs: PAUSE_MS, faults: cutAt(number, cut) });
    addRecovery('F1', 'virtual', run.tookSeconds - reference.tookSeconds);
    const wrong = differences(reference, run);
    if (wrong.length > 0) {
      failures.push(
        `${story.name} cut ${cut} write ${number} (${kind}): ${wrong.join('; ')}\n  ${replayOf(story, seed, number, cut)}`,
      );
    }
  }
  return { plans: plans.length, of: all.length, failures };
}

function differences(reference: Run, run: Run): string[] {
  const wrong = [...run.violations];
  const [expected, got] = [JSON.stringify(reference.ending), JSON.stringify(run.ending)];
  if (expected !== got) {
    wrong.push(`it ended as ${got}, not as ${expected}`);
  }
  if (run.deaths !== 1) {
    wrong.push(`the operator died ${run.deaths} times`);
  }
  if (run.tookSeconds > reference.tookSeconds + LATE_SECONDS) {
    wrong.push(`it took ${run.tookSeconds} s instead of ${reference.tookSeconds} s`);
  }
  if (run.fellBackAfterSeconds > reference.fellBackAfterSeconds + DEADLINE_LATE_SECONDS) {
    wrong.push(
      `it fell back after ${run.fellBackAfterSeconds} s instead of ${reference.fellBackAfterSeconds} s`,
    );
  }
  if (run.writes.length > reference.writes.length + EXTRA_WRITES) {
    wrong.push(`${run.writes.length} writes instead of ${reference.writes.length}`);
  }
  return wrong;
}
