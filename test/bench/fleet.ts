/**
 * What a fleet in stages costs, in the simulation: API writes a pod, the time between two stages, and the size of a status of 50
 * stages. `node test/bench/fleet.ts [PODS]`
 */
import { argv } from 'node:process';
import { costOf } from '../sim/cost.ts';
import { STAGED_KINDS } from '../sim/stories.ts';
import { inFiftyStages, largeWorkload } from '../support/large-workload.ts';

const pods = Number(argv[2] ?? 40);
const columns = ['verdicts', 'deletions', 'specs', 'stageChanges', 'progress', 'others'] as const;
const row = (cells: readonly string[]) =>
  console.log(cells.map((cell, at) => cell.padEnd(at === 0 ? 22 : 13)).join(''));

console.log(`\n${pods} pods in 4 stages`);
row(['kind', ...columns, 'a pod', 'boundary']);
for (const kind of STAGED_KINDS) {
  const cost = await costOf(kind, pods);
  const all = columns.reduce((sum, column) => sum + cost[column], 0);
  const told = columns.map((column) => `${cost[column]}`);
  row([kind, ...told, (all / pods).toFixed(2), `${cost.boundaryMs} ms`]);
}
const { status } = largeWorkload(5000, undefined, inFiftyStages(5000)).decide();
console.log(
  `\n5,000 pods in 50 stages: a status of ${(Buffer.byteLength(JSON.stringify(status)) / 1024).toFixed(1)} KiB`,
);
