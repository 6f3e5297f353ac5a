/** Stories with short times, as the real API server cannot be played in virtual ones. */
import type { Story } from '../sim/story.ts';

/** The same story, asked once a second; deadlines of a minute become twelve seconds. */
export function quick(story: Story): Story {
  const { postCheck = {} } = story.spec;
  const deadline = postCheck.deadlineSeconds === undefined ? {} : { deadlineSeconds: 12 };
  return { ...story, spec: { ...story.spec, postCheck: { ...postCheck, ...deadline, periodSeconds: 1 } } };
}
