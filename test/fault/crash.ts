/** Ends the operator's process at each of its writes, in each way, and compares how the story ends with the simulation. */
import type { Story } from '../sim/story.ts';
import { addRecovery } from '../support/figures.ts';
import { differences } from './compare-with-simulation.ts';
import type { Environment } from './environment.ts';
import { mapConcurrently } from './map-concurrently.ts';
import type { SentRequest } from './sent-request.ts';
import type { Cut, StoryResult } from './story-run.ts';

export const CUTS: readonly Cut[] = ['before', 'lost', 'after'];
/** A new process may say again what the old one had not heard to be done; and real time makes more or fewer counts be stored. */
const EXTRA_WRITES = 8;

export interface CrashPlan {
  readonly story: Story;
  readonly act: number;
  readonly cut: Cut;
}

export interface CrashOptions {
  readonly atOnce: number;
  /** Only the first write of each kind (status, images, verdict, …), not every one. */
  readonly sample: boolean;
}

const kindOf = ({ verb, resource, body }: SentRequest): string =>
  `${verb} ${resource} ${/"phase":"(\w+)"/.exec(body)?.[1] ?? ''}`;

/** Which of a story's writes to cut. */
function points(acts: readonly SentRequest[], sample: boolean): number[] {
  const kinds = acts.map(kindOf);
  return kinds.flatMap((kind, index) => (sample && kinds.indexOf(kind) !== index ? [] : [index + 1]));
}

/** Plays every plan, and returns how many there were and one line for each that ended otherwise. */
export async function sweepCrashes(
  environment: Environment,
  told: readonly Story[],
  { atOnce, sample }: CrashOptions,
): Promise<{ plans: number; points: number; existing: number; failures: string[] }> {
  const references = await mapConcurrently(told, atOnce, async (story) => ({
    story,
    ...(await differences(environment, story, 'without a cut')),
  }));
  const plans = references.flatMap(({ story, played }) =>
    points(played.acts, sample).flatMap((act) => CUTS.map((cut): CrashPlan => ({ story, act, cut }))),
  );
  const uncut = new Map(references.map(({ story, played }) => [story, played]));
  const failures = await mapConcurrently(plans, atOnce, (plan) =>
    crash(environment, plan, uncut.get(plan.story) as StoryResult),
  );
  return {
    plans: plans.length,
    points: plans.length / CUTS.length,
    existing: references.reduce((sum, { played }) => sum + played.acts.length, 0),
    failures: [...references.flatMap(({ wrong }) => wrong), ...failures.flat()],
  };
}

async function crash(
  environment: Environment,
  { story, act, cut }: CrashPlan,
  uncut: StoryResult,
): Promise<string[]> {
  const what = `cut ${cut} write ${act}`;
  const { played, wrong } = await differences(environment, story, what, {
    choose: (_asked, number) => (number === act ? { cut } : undefined),
  });
  const { deaths, acts } = played;
  const most = uncut.acts.length + EXTRA_WRITES;
  addRecovery('F1', 'real', played.seconds - uncut.seconds);
  return [
    ...wrong,
    // A write that the reference needed may not come at all when the one before it is cut late.
    ...(deaths > 1 ? [`${story.name}, ${what}: the operator died ${deaths} times`] : []),
    ...(acts.length > most
      ? [`${story.name}, ${what}: ${acts.length} writes instead of ${most} at most`]
      : []),
  ];
}
