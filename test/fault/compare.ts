/** What a story on the real API server shows that the simulation of the same story does not. */
import { play } from '../sim/run.ts';
import type { Story } from '../sim/story.ts';
import type { Lab } from './lab.ts';
import { type Played, type PlayOptions, playReal } from './play.ts';

/** One line for each difference, empty when there is none; `what` names the plan. */
export async function differences(
  lab: Lab,
  story: Story,
  what: string,
  options: PlayOptions = {},
): Promise<{ played: Played; wrong: string[] }> {
  const expected = (await play(story)).ending;
  const played = await playReal(lab, story, expected, options);
  const [wanted, got] = [JSON.stringify(expected), JSON.stringify(played.ending)];
  const wrong = [
    ...played.violations,
    ...(wanted === got ? [] : [`it ended as ${got}, not as ${wanted}: ${played.message}`]),
  ];
  return { played, wrong: wrong.map((line) => `${story.name}, ${what}: ${line}`) };
}
