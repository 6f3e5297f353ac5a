/** Stories with short times, because a real API server cannot run in virtual time. */
import type { Story } from '../sim/story.ts';

/** Returns the story with a probe every second; deadlines of a minute become twelve seconds. */
export function withShortTimes(story: Story): Story {
  const { postCheck = {} } = story.spec;
  const deadline = postCheck.deadlineSeconds === undefined ? {} : { deadlineSeconds: 12 };
  return { ...story, spec: { ...story.spec, postCheck: { ...postCheck, ...deadline, periodSeconds: 1 } } };
}
