/**
 * The operator is upgraded, or downgraded, in the middle of an attempt: a newer one leaves fields in the status that this one does not know,
 * an older one leaves out what this one would have written.
 */
import { describe, expect, test } from '@jest/globals';
import { StatusSchema } from '../../src/api/schema-status.ts';
import type { Phase, Upgrade, UpgradeStatus } from '../../src/api/types.ts';
import { play } from './run.ts';
import { bad, KINDS, retryThenGood } from './stories.ts';
import { phaseIs, type Story } from './story.ts';
import type { World } from './world.ts';

type Json = Readonly<Record<string, unknown>>;

function setStatus(world: World, change: (status: Json) => Json): void {
  const upgrade = world.upgrade() as Upgrade;
  world.state.put('Upgrade', { ...upgrade, status: change(upgrade.status as Json) as never });
}

/** `change` is done to the status once, as soon as the phase is reached; the operator goes on with what it finds. */
const changed = (story: Story, phase: Phase, change: (status: Json) => Json): Story => ({
  ...story,
  steps: [
    {
      when: phaseIs(phase),
      act: (world: World) => setStatus(world, change),
    },
    ...(story.steps ?? []),
  ],
});

const within = (status: Json, part: string, change: (own: Json) => Json): Json =>
  part === '' ? change(status) : { ...status, [part]: change((status[part] ?? {}) as Json) };
const FUTURE = { since: 'a later version', list: [1, 2, 3] };

describe.each(KINDS)('on a %s, what a newer operator has written', (kind) => {
  test.each([
    ['', 'Upgrading'],
    ['attempt', 'Upgrading'],
    ['from', 'Upgrading'],
    ['', 'FallingBack'],
    ['fallback', 'FallingBack'],
  ] as const)('into status %s while %s is kept to the end', async (part, phase) => {
    const story = bad(kind);
    const { ending } = await play(story);
    const run = await play(
      changed(story, phase, (status) => within(status, part, (own) => ({ ...own, future: FUTURE }))),
    );
    expect(run.violations).toEqual([]);
    expect(run.ending).toEqual(ending);
    const status = run.world.upgrade()?.status as Json;
    expect((part === '' ? status : (status[part] as Json))['future']).toEqual(FUTURE);
  });
});

/** What an operator of another version may have left out, by the part of the status that it stands in. */
function optional(schema: unknown): string[] {
  const { properties = {}, required = [] } = schema as { properties?: Json; required?: string[] };
  return Object.keys(properties).filter((name) => !required.includes(name));
}
const PARTS = StatusSchema.properties as unknown as Json;
const LEFT_OUT = ['attempt', 'from', 'fallback'].flatMap((part) =>
  optional(PARTS[part]).map((name) => [part, name] as const),
);
const STORIES = KINDS.flatMap((kind) => [retryThenGood(kind), bad(kind)]);

const holds = (status: unknown, part: string, name: string): boolean =>
  ((status as Json | undefined)?.[part] as Json | undefined)?.[name] !== undefined;
const isUnderWay = ({ attempt }: UpgradeStatus): boolean =>
  attempt !== undefined && attempt.end === undefined;
const stands = (upgrade: Upgrade | undefined, part: string, name: string): boolean =>
  upgrade?.status !== undefined && isUnderWay(upgrade.status) && holds(upgrade.status, part, name);

/** Takes the field away as soon as it is there. */
const without = (story: Story, part: string, name: string): Story => ({
  ...story,
  steps: [
    {
      when: (world) => stands(world.upgrade(), part, name),
      act: (world) => setStatus(world, (status) => within(status, part, ({ [name]: _, ...own }) => own)),
    },
  ],
});

test('what an older operator has left out of an attempt under way changes nothing about its end', async () => {
  const played: string[] = [];
  for (const story of STORIES) {
    const { ending, world } = await play(story);
    const seen = world.state.log.flatMap(({ kind, object }) =>
      kind === 'Upgrade' ? [object as Upgrade] : [],
    );
    for (const [part, name] of LEFT_OUT) {
      if (!seen.some((upgrade) => stands(upgrade, part, name))) {
        continue;
      }
      const run = await play(without(story, part, name));
      const what = `${story.name}, ${part}.${name}`;
      played.push(`${part}.${name}`);
      expect([what, run.violations, run.ending]).toEqual([what, [], ending]);
    }
  }
  expect(new Set(played).size).toBeGreaterThan(8);
}, 120_000);
