/**
 * The fuzzing for long: `node test/fuzz/soak.ts [--cases N] [--seed N] [--only NAME] [--decisions N]`; by default a million cases, shared out
 * among all parsers, and 100,000 of the schema for the decisions.
 */
import { stdout } from 'node:process';
import { parseArgs } from 'node:util';
import { fuzzDecisions } from './decisions.ts';
import { fuzz } from './fuzz.ts';
import { PARSERS } from './parsers.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    decisions: { type: 'string', default: '100000' },
  },
});
const chosen = PARSERS.filter(({ name }) => values.only === undefined || name === values.only);
if (chosen.length === 0) {
  stdout.write(
    `there is no parser ${JSON.stringify(values.only)}; there are: ${PARSERS.map(({ name }) => name).join(', ')}\n`,
  );
  process.exit(2);
}
const each = Math.ceil(Number(values.cases) / chosen.length);
let failed = false;
for (const parser of chosen) {
  const { name, cases, failures } = fuzz(parser, Number(values.seed), each);
  failed ||= failures.length > 0;
  stdout.write(`${name}: ${cases} cases${failures.length > 0 ? `, failed\n${failures.join('\n')}` : ''}\n`);
}
if (values.only === undefined) {
  fuzzDecisions(Number(values.seed), Number(values.decisions));
  stdout.write(`decisions: ${values.decisions} cases\n`);
}
process.exit(failed ? 1 : 0);
