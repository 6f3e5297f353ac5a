/**
 * Thousands of pods on nodes that are only played, before a real API server; each attempt beside the bare rollout in the same run.
 * `node test/bench/scale.ts [--pods 500] [--upgrades 50] [--failing 10] [--controller-rate 20] [--only daemonset,flat,paced,paced-ondelete,staged,crowd,takeover,gate,bystanders] [--profile DIR] [--record]`.
 * Starts and ends everything by itself; touches no cluster. `--record` adds the figures to docs/scale.json.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpus, loadavg } from 'node:os';
import { execPath, stderr, stdout } from 'node:process';
import { parseArgs } from 'node:util';
import { recordScale } from '../../scripts/generate-scale.ts';
import { type Build, type Part, runBench } from './harness.ts';
import { row } from './measure.ts';
import { bystandersPart } from './scale/bystanders.ts';
import { crowdPart } from './scale/crowd.ts';
import { daemonSetPart, flatness, type Shape, verifiedName } from './scale/daemonset.ts';
import { Fleet } from './scale/fleet.ts';
import { gateCostPart } from './scale/gate-cost.ts';
import { minimalVerifierPart, ofMinimal } from './scale/minimal-verifier.ts';
import type { OperatorProcess } from './scale/operator-process.ts';
import { stagedPart } from './scale/staged.ts';
import { takeoverPart } from './scale/takeover.ts';

const { values } = parseArgs({
  options: {
    pods: { type: 'string', default: '500' },
    upgrades: { type: 'string', default: '50' },
    failing: { type: 'string', default: '10' },
    // The default of kube-controller-manager.
    'controller-rate': { type: 'string', default: '20' },
    only: { type: 'string', default: 'daemonset,staged,crowd,takeover' },
    profile: { type: 'string' },
    record: { type: 'boolean', default: false },
  },
});
const [pods, upgrades, failing] = [values.pods, values.upgrades, values.failing].map(Number) as [
  number,
  number,
  number,
];
const controllerRate = Number(values['controller-rate']);
const say = (line: string) => void stderr.write(`bench-scale: ${line}\n`);

/** What a small image takes that is on the node already, until its application listens. */
const STARTS_AFTER = '3s';
/**
 * With these, the start of pods sets the pace also of thousands, as where each node is a machine of its own: of 5,000, five pods a second at most,
 * which the cores that everything shares here can follow.
 */
const PACED = { startsAfter: '20s', step: '2%' };

/** What all parts work on: there once it is built. */
const site: { fleet?: Fleet; operator?: OperatorProcess } = {};
const fleet = () => site.fleet as Fleet;
const operator = () => site.operator as OperatorProcess;

const everything: Build = {
  name: 'the operator, an API server, and its simulated nodes',
  limitMs: 15 * 60_000,
  build: async () => {
    const [code] = await once(spawn(execPath, ['scripts/bundle.ts'], { stdio: 'inherit' }), 'exit');
    if (code !== 0) {
      throw new Error('the operator cannot be bundled');
    }
    site.fleet = new Fleet(controllerRate, values.profile);
    await site.fleet.prepare();
    site.operator = site.fleet.startOperator();
    await site.operator.says('leading');
  },
};

/** What a pod costs is compared between these two. */
const [FEW, MANY] = [100, pods].map(
  (count): Shape => ({ pods: count, update: 'RollingUpdate', check: 'exec' }),
) as [Shape, Shape];

const PARTS: Readonly<Record<string, () => Part[]>> = {
  daemonset: () => [
    daemonSetPart(fleet, operator, FEW),
    daemonSetPart(fleet, operator, MANY),
    daemonSetPart(fleet, operator, { pods, update: 'RollingUpdate', check: 'readiness' }),
    daemonSetPart(fleet, operator, { pods, update: 'OnDelete', check: 'exec' }),
    daemonSetPart(fleet, operator, {
      pods,
      update: 'RollingUpdate',
      check: 'exec',
      startsAfter: STARTS_AFTER,
    }),
    daemonSetPart(fleet, operator, { pods, update: 'OnDelete', check: 'exec', startsAfter: STARTS_AFTER }),
  ],
  /** What a pod costs among few and among many, both with the same cluster. */
  one: () => [daemonSetPart(fleet, operator, FEW), daemonSetPart(fleet, operator, MANY)],
  /** The same by both strategies, and by the least program: with thousands of pods the others take an hour. */
  flat: () => [
    daemonSetPart(fleet, operator, FEW),
    daemonSetPart(fleet, operator, MANY),
    daemonSetPart(fleet, operator, { ...MANY, update: 'OnDelete' }),
    minimalVerifierPart(fleet, MANY),
  ],
  /** These record their figures beside those of `flat`: run each alone, it takes most of an hour with thousands. */
  paced: () => [daemonSetPart(fleet, operator, { ...MANY, ...PACED })],
  'paced-ondelete': () => [daemonSetPart(fleet, operator, { ...MANY, ...PACED, update: 'OnDelete' })],
  staged: () => [stagedPart(fleet)],
  crowd: () => [crowdPart(fleet, operator, { upgrades, failing })],
  /** These two only as the last: there are no controllers afterwards. */
  gate: () => [gateCostPart(fleet)],
  bystanders: () => [bystandersPart(fleet, pods)],
  takeover: () => [takeoverPart(fleet, operator)],
};

const wanted = values.only.split(',');
const unknown = wanted.filter((name) => !Object.hasOwn(PARTS, name));
if (unknown.length > 0 || !(pods > 100) || !(failing <= upgrades) || !(controllerRate >= 1)) {
  say(
    `--pods takes more than 100, --failing at most --upgrades, --controller-rate 1 or more, --only some of ${Object.keys(PARTS)}`,
  );
  process.exit(2);
}
const parts = wanted
  .flatMap((name) => PARTS[name]?.() ?? [])
  .map((part, index, { length }) => ({
    ...part,
    needs: [everything, ...part.needs],
    // What the last one leaves goes with the API server.
    clear: index < length - 1 ? part.clear : async () => {},
  }));
/** Of what was measured. */
const sizes = (): Record<string, number> => ({
  ...(wanted.some((name) => ['one', 'flat', 'daemonset'].includes(name)) ? { pods } : {}),
  ...(wanted.includes('paced') ? { paced: pods } : {}),
  ...(wanted.includes('paced-ondelete') ? { pacedOnDelete: pods } : {}),
  ...(wanted.includes('crowd') ? { upgrades, failing } : {}),
  ...(wanted.includes('bystanders') ? { others: pods } : {}),
});
const load = loadavg();
try {
  const { figures: measured, failures } = await runBench(parts, {
    say,
    strays: process,
    clearLimitMs: 15 * 60_000,
  });
  const figures = [
    ...measured,
    ...flatness(measured, FEW, MANY),
    ...ofMinimal(measured, MANY, verifiedName(MANY)),
  ];
  const loads = [load, loadavg()].map((one) => (one[0] ?? 0).toFixed(1)).join(' before, ');
  stdout.write(`\nload average ${loads} after, ${cpus().length} cores\n${figures.map(row).join('\n')}\n`);
  for (const { of, during, why } of failures) {
    stdout.write(`FAILED  ${of}, ${during}: ${why}\n`);
  }
  if (values.record && failures.length === 0) {
    recordScale(figures, sizes(), loads, controllerRate);
  }
  process.exitCode = failures.length > 0 ? 1 : 0;
} finally {
  await site.fleet?.stop();
}
