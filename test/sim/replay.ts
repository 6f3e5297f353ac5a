/** Plays one story and prints its timeline: `node test/sim/replay.ts STORY [--seed N] [--crash NUMBER:before|lost|after]`, or `'walk SEED'`. */
import { parseArgs } from 'node:util';
import { FLEET_STORIES } from './fleet-stories.ts';
import type { Fault } from './operator.ts';
import { cutAt, play } from './run.ts';
import { STORIES } from './stories.ts';
import { fleetWalkOf, undoWalkOf, walkOf } from './walk.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string', default: '1' }, crash: { type: 'string' } },
});
const [, which = '', walk] = /^(fleet |undo )?walk (\d+)$/.exec(positionals[0] ?? '') ?? [];
const walks = { '': walkOf, 'fleet ': fleetWalkOf, 'undo ': undoWalkOf };
const walked = walk ? walks[which as keyof typeof walks](Number(walk)) : undefined;
const story = walked?.story ?? [...STORIES, ...FLEET_STORIES].find(({ name }) => name === positionals[0]);
if (!story) {
  console.error(
    `usage: node test/sim/replay.ts STORY [--seed N] [--crash NUMBER:FAULT]\nSTORY is one of:\n  ${[...STORIES, ...FLEET_STORIES].map(({ name }) => name).join('\n  ')}`,
  );
  process.exit(2);
}
const [number, fault] = (values.crash ?? '').split(':');
const run = await play(
  story,
  walked?.options ?? {
    seed: Number(values.seed),
    ...(number ? { faults: cutAt(Number(number), fault as Fault) } : {}),
  },
);
for (const line of run.timeline) {
  console.log(line);
}
for (const { type, reason, note } of run.events) {
  console.log(`event ${type} ${reason}: ${note}`);
}
console.log(JSON.stringify(run.ending, null, 1));
console.log(run.message);
for (const violation of run.violations) {
  console.log(`VIOLATION ${violation}`);
}
process.exit(run.violations.length > 0 ? 1 : 0);
