/** Compares a story on a real API server with its simulation. */
import { play } from '../sim/run.ts';
import type { Story } from '../sim/story.ts';
import type { Environment } from './environment.ts';
import { type PlayOptions, playReal, type StoryResult } from './story-run.ts';

/** Returns one line for each difference; `what` names the plan. */
export async function differences(
  environment: Environment,
  story: Story,
  what: string,
  options: PlayOptions = {},
): Promise<{ played: StoryResult; wrong: string[] }> {
  const expected = (await play(story)).ending;
  const played = await playReal(environment, story, expected, options);
  const [wanted, got] = [JSON.stringify(expected), JSON.stringify(played.ending)];
  const wrong = [
    ...played.violations,
    ...(wanted === got ? [] : [`it ended as ${got}, not as ${wanted}: ${played.message}`]),
  ];
  return { played, wrong: wrong.map((line) => `${story.name}, ${what}: ${line}`) };
}
