/**
 * Side by side in one run on the real cluster; prints what was measured, whatever it is, and which part failed.
 * `node test/bench/bench.ts [--rounds N] [--only upgrades,exec,footprint]`. The operator is the installed one.
 */
import { loadavg } from 'node:os';
import { stderr, stdout } from 'node:process';
import { parseArgs } from 'node:util';
import { execPart } from './exec.ts';
import { footprintPart } from './footprint.ts';
import { runBench } from './harness.ts';
import { row } from './measure.ts';
import { Site } from './site.ts';
import { upgradesPart } from './upgrades.ts';

/** In the order in which they run: memory is measured while the operator has done little. */
const PARTS = { footprint: footprintPart, upgrades: upgradesPart, exec: execPart } as const;
type PartName = keyof typeof PARTS;
const NAMES = Object.keys(PARTS) as PartName[];

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: NAMES.join(',') },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  stdout.write(`Usage: bench.ts [--rounds N] [--only ${NAMES.join(',')}]\n`);
  process.exit(0);
}
const rounds = Number(values.rounds);
const wanted = values.only.split(',');
const unknown = wanted.filter((name) => !NAMES.some((known) => known === name));
if (unknown.length > 0 || !(rounds >= 1)) {
  stderr.write(
    `bench: --rounds takes a number from 1, --only some of ${NAMES.join(', ')}; not ${[...unknown, values.rounds].join(' ')}\n`,
  );
  process.exit(2);
}

const say = (line: string) => void stderr.write(`bench: ${line}\n`);
const parts = NAMES.filter((name) => wanted.includes(name)).map((name) =>
  PARTS[name](new Site(`bench-${name}`), rounds, say),
);
const { figures, failures } = await runBench(parts, { say, strays: process, clearLimitMs: 300_000 });
const load = loadavg().map((value) => value.toFixed(1));
stdout.write(
  `\nmin / median / max; load average at the end ${load.join(' ')}\n${figures.map(row).join('\n')}\n`,
);
for (const { of, during, why } of failures) {
  stdout.write(`FAILED  ${of}, ${during}: ${why}\n`);
}
process.exit(failures.length > 0 ? 1 : 0);
