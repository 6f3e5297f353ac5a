/**
 * The fuzzing for long: `node test/fuzz/soak.ts [--cases N] [--seed N] [--only NAME] [--decisions N] [--sockets N]`; by default a million cases,
 * shared out among all parsers, a million of the schema for the decisions, and 100,000 over sockets. RECORD=1 keeps how many it played.
 */
import { env, stdout } from 'node:process';
import { parseArgs } from 'node:util';
import { recordMeasured, stampOf } from '../../scripts/reliability-results.ts';
import { fuzzDecisions } from './decisions.ts';
import { type Fuzzed, fuzz } from './fuzz.ts';
import { PARSERS } from './parsers.ts';
import { CLIENTS, fuzzSockets } from './sockets.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    decisions: { type: 'string', default: '1000000' },
    sockets: { type: 'string', default: '100000' },
  },
});
const isChosen = ({ name }: { readonly name: string }): boolean =>
  values.only === undefined || name === values.only;
const parsers = PARSERS.filter(isChosen);
const clients = CLIENTS.filter(isChosen);
if (parsers.length + clients.length === 0) {
  const names = [...PARSERS, ...CLIENTS].map(({ name }) => name).join(', ');
  stdout.write(`there is no parser or client ${JSON.stringify(values.only)}; there are: ${names}\n`);
  process.exit(2);
}
const stamp = stampOf();
const seed = Number(values.seed);
const isOne = values.only !== undefined;
const played = { parsers: 0, sockets: 0, decisions: 0 };
let failed = false;

function tell({ name, cases, failures }: Fuzzed): number {
  failed ||= failures.length > 0;
  stdout.write(`${name}: ${cases} cases${failures.length > 0 ? `, failed\n${failures.join('\n')}` : ''}\n`);
  return cases;
}

for (const parser of parsers) {
  played.parsers += tell(fuzz(parser, seed, Math.ceil(Number(values.cases) / parsers.length)));
}
for (const client of clients) {
  const cases = Math.ceil(Number(isOne ? values.cases : values.sockets) / clients.length);
  played.sockets += tell(await fuzzSockets(client, seed, cases));
}
if (!isOne) {
  played.decisions = Number(values.decisions);
  fuzzDecisions(seed, played.decisions);
  stdout.write(`decisions: ${played.decisions} cases\n`);
}
if (env['RECORD'] && !failed && !isOne) {
  recordMeasured('fuzz', played, stamp);
}
process.exit(failed ? 1 : 0);
