/**
 * Side by side in one run on the real cluster; prints what was measured, whatever it is. `node test/bench/bench.ts [--rounds N] [--only a,c,f]`.
 * The operator is the installed one; sections: upgrades (a, b, d), exec (c), footprint (e, f).
 */
import { loadavg } from 'node:os';
import { stderr, stdout } from 'node:process';
import { parseArgs } from 'node:util';
import { benchExec } from './exec.ts';
import { benchFootprint } from './footprint.ts';
import { type Figure, row } from './measure.ts';
import { Site } from './site.ts';
import { benchUpgrades } from './upgrades.ts';

const SECTIONS = ['upgrades', 'exec', 'footprint'] as const;
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: SECTIONS.join(',') },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  stdout.write(`Usage: bench.ts [--rounds N] [--only ${SECTIONS.join(',')}]\n`);
  process.exit(0);
}
const rounds = Number(values.rounds);
const wanted = values.only.split(',');
const unknown = wanted.filter((name) => !SECTIONS.some((section) => section === name));
if (unknown.length > 0 || !(rounds >= 1)) {
  stderr.write(
    `bench: --rounds takes a number from 1, --only some of ${SECTIONS.join(', ')}; not ${[...unknown, values.rounds].join(' ')}\n`,
  );
  process.exit(2);
}

const say = (line: string) => stderr.write(`bench: ${line}\n`);
const site = new Site();
const figures: Figure[] = [];
await site.prepare();
try {
  if (wanted.includes('footprint')) {
    figures.push(...(await benchFootprint(site, say)));
  }
  if (wanted.includes('upgrades')) {
    figures.push(...(await benchUpgrades(site, rounds, say)));
  }
  if (wanted.includes('exec')) {
    figures.push(...(await benchExec(site, Math.min(rounds, 3), say)));
  }
} finally {
  stdout.write(
    `\nmin / median / max; load average at the end ${loadavg()
      .map((value) => value.toFixed(1))
      .join(' ')}\n${figures.map(row).join('\n')}\n`,
  );
  await site.clear();
}
process.exit(0);
