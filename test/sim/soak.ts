/**
 * Random walks for as long as one likes: `node test/sim/soak.ts [--minutes N] [--seed FIRST]`, one seed after the other.
 * Ends with 1 when any walk broke a rule; each is told with the command that plays it again.
 */
import { parseArgs } from 'node:util';
import { complaintOf, fleetWalkOf } from './walk.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' } },
});
const [minutes, first] = [Number(values.minutes), Number(values.seed)];
if (!(minutes > 0 && Number.isSafeInteger(first))) {
  console.error('usage: node test/sim/soak.ts [--minutes N] [--seed FIRST]');
  process.exit(2);
}

const until = performance.now() + minutes * 60_000;
let wrong = 0;
let seed = first;
for (; performance.now() < until; seed++) {
  const complaint = (await complaintOf(seed)) ?? (await complaintOf(seed, fleetWalkOf(seed)));
  if (complaint !== undefined) {
    wrong++;
    console.log(complaint);
  }
}
console.log(`walks ${first} to ${seed - 1}: ${wrong} wrong`);
process.exit(wrong > 0 ? 1 : 0);
