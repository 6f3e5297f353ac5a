/** An attempt whose new pods answer what the test decides, for tests in which others meddle with it. */
import { expect } from '@jest/globals';
import type { Answer } from '../sim/behaviour.ts';
import { type KindName, NEW, OLD, told } from '../sim/stories.ts';
import type { Story } from '../sim/story.ts';
import type { Json } from './admin-client.ts';
import type { Environment } from './environment.ts';
import { withShortTimes } from './short-times.ts';
import { type PlayOptions, StoryRun, until } from './story-run.ts';

export const LIMIT_MS = 120_000;
const NOT_YET = 17;
const BAD = 18;

/** A rollout whose new pods answer what the test says: not yet, until it decides. */
export class Attempt extends StoryRun {
  /** What new pods answer from now on. */
  readonly answer: (given: Answer) => void;

  constructor(environment: Environment, kind: KindName = 'Deployment', options: PlayOptions = {}) {
    let answer: Answer = NOT_YET;
    super(
      environment,
      storyOf(kind, () => answer),
      options,
    );
    this.answer = (given) => {
      answer = given;
    };
  }

  decide(how: 'good' | 'bad'): void {
    this.answer(how === 'good' ? 0 : BAD);
  }

  status = async (): Promise<Json> => (await this.environment.admin.find(this.upgradePath()))?.status ?? {};
  workload = (): Promise<Json> => this.environment.admin.get(this.workloadPath());
  pods = async (): Promise<Json[]> => (await this.environment.admin.get(this.path('v1', 'pods'))).items;

  /** Waits until the status is so; a failure tells how it is instead. */
  async sees(accept: (status: Json) => unknown): Promise<Json> {
    let last: Json;
    await until(async () => {
      last = await this.status();
      return Boolean(accept(last));
    }, LIMIT_MS).catch((error: Error) => {
      throw new Error(`${error.message}; the status is ${JSON.stringify(last)}`);
    });
    return last;
  }

  /** Waits until a new pod has said that it is not yet good. */
  midWay = (): Promise<Json> =>
    this.sees(({ exitCodes }) => exitCodes?.some(({ code }: Json) => code === NOT_YET));

  /** So many pods run this image, and no other one, and they serve. */
  serves = (count: number, image: string): Promise<void> =>
    until(async () => {
      const pods = (await this.pods()).filter(({ metadata }) => !metadata.deletionTimestamp);
      return pods.length === count && pods.every((pod) => imageOf(pod) === image && isReady(pod));
    }, LIMIT_MS);

  /** Waits until the last attempt has ended like this, as the only one unless `outcomes` says otherwise. */
  async ends(
    phase: 'Succeeded' | 'FellBack',
    count: number,
    { image = phase === 'Succeeded' ? NEW : OLD, outcomes = [phase] }: Ended = {},
  ): Promise<Json> {
    const status = await this.sees((seen) => seen.phase === phase);
    await this.serves(count, image);
    expect(status.history.map(({ outcome }: Json) => outcome)).toEqual(outcomes);
    return status;
  }
}

interface Ended {
  readonly image?: string;
  readonly outcomes?: readonly string[];
}

function storyOf(kind: KindName, answer: () => Answer): Story {
  const exitCodes = [{ codes: `${BAD}`, class: 'Fail', reason: 'Bad' }] as const;
  const checks = [
    { name: 'readiness-probe', exec: { command: ['/usr/bin/readiness_probe.sh'] }, exitCodes },
  ] as const;
  const story = withShortTimes(told('meddled with', kind, { answer }, { spec: { postCheck: { checks } } }));
  return { ...story, spec: { ...story.spec, postCheck: { ...story.spec.postCheck, deadlineSeconds: 600 } } };
}

export const imageOf = ({ spec }: Json): string => spec.containers[0].image;
export const isReady = ({ status }: Json): boolean =>
  status.conditions?.some((one: Json) => one.type === 'Ready' && one.status === 'True') ?? false;
