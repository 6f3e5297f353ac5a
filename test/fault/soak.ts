/**
 * The operator for long: `node test/fault/soak.ts [--minutes N] [--seed N] [--lanes N]`. One process of the bundled operator serves lanes of
 * workloads on a real API server; a proxy between the two disturbs requests at random and cuts all connections now and then. Ends with 1 when
 * an upgrade was lost, ended wrongly, the operator's heap, descriptors, sockets or timers grow, it writes when nothing is to be done, or it keeps a
 * namespace from being deleted. RECORD=1 keeps the figures.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { env, stdout } from 'node:process';
import { setTimeout as rest } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { recordMeasured, stampOf } from '../../scripts/reliability-results.ts';
import { OperatorProcess } from '../bench/scale/operator-process.ts';
import { Random } from '../fuzz/random.ts';
import { type Churned, Lane } from './churn.ts';
import { startEnvironment } from './environment.ts';
import { fakeExec } from './fake-exec.ts';
import * as faults from './faults.ts';
import { Observer } from './observer.ts';
import { type Fault, FaultProxy } from './proxy.ts';
import { isAct, type SentRequest, unguarded } from './sent-request.ts';
import { writeKubeconfig } from './server.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    lanes: { type: 'string', default: '12' },
  },
});
const [minutes, seed, lanes] = [values.minutes, values.seed, values.lanes].map(Number) as [
  number,
  number,
  number,
];

/** One request of so many is disturbed. */
const ONE_OF = 40;
const CUT_EVERY_MS = 45_000;
const SAMPLE_EVERY_MS = 2_000;
/** Late writes and repeated watches come to their end; then it is at rest. */
const SETTLES_MS = 20_000;
const RESTS_MS = 20_000;
/** More than what a process takes that has warmed up. */
const MOST_GROWTH = 1.25;

const refuse = (status: number): Fault => faults.refused(faults.refusal(status));
const ON_WRITES: readonly Fault[] = [
  faults.lostBefore,
  faults.lostAfter,
  faults.lostAmid,
  faults.doneTwice,
  faults.doneThenRefused(faults.refusal(503)),
  faults.corrupted((body) => body.slice(0, 100)),
  faults.corrupted(() => 'null'),
  faults.refused(faults.BAD_GATEWAY),
  faults.lateBefore(800),
  faults.lateAfter(800),
  faults.trickled(200, 10),
  ...[409, 429, 500, 503, 504].map(refuse),
];
const ON_WATCHES: readonly Fault[] = [
  ...(['eof', 'reset', 'half a line', 'garbage', 'ERROR 410', 'ERROR 500'] as const).map((end) =>
    faults.watchEnds(end, 20),
  ),
  faults.watchRepeats,
  ...[401, 429, 500, 503].map(refuse),
];
const ON_EXECS: readonly Fault[] = [faults.lostBefore, ...[404, 429, 500].map(refuse)];

const random = new Random(seed);
let disturbed = 0;
let acts = 0;
let isCalm = false;

function choose(sent: SentRequest): Fault | undefined {
  const fits =
    sent.verb === 'watch' ? ON_WATCHES : sent.verb === 'exec' ? ON_EXECS : isAct(sent) ? ON_WRITES : [];
  acts += isAct(sent) ? 1 : 0;
  if (isCalm || fits.length === 0 || random.below(ONE_OF) !== 0) {
    return undefined;
  }
  disturbed++;
  return random.pick(fits);
}

interface Sample {
  readonly heapMiB: number;
  readonly descriptors: number;
  readonly sockets: number;
  readonly timers: number;
}

function descriptorsOf(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return '';
    }
  });
}

async function sample(operator: OperatorProcess): Promise<Sample> {
  const metrics = await operator.metrics();
  const open = descriptorsOf(operator.pid);
  return {
    heapMiB: (metrics.get('nodejs_heap_size_used_bytes') ?? Number.NaN) / 2 ** 20,
    descriptors: open.length,
    sockets: open.filter((target) => target.startsWith('socket:')).length,
    timers: metrics.get('nodejs_active_resources{type="Timeout"}') ?? Number.NaN,
  };
}

/** What is left after the garbage collector: the mean of the least of each ten samples. */
function level(samples: readonly Sample[], of: keyof Sample): number {
  const least = Array.from({ length: Math.ceil(samples.length / 10) }, (_, i) =>
    Math.min(...samples.slice(10 * i, 10 * (i + 1)).map((one) => one[of])),
  );
  return least.reduce((sum, one) => sum + one, 0) / least.length;
}

/** The last third of the time by the first. */
function growth(samples: readonly Sample[], of: keyof Sample): number {
  const third = Math.floor(samples.length / 3);
  return Math.round((100 * level(samples.slice(-third), of)) / level(samples.slice(0, third), of)) / 100;
}

const stamp = stampOf();
const environment = await startEnvironment();
const violations: string[] = [];
const proxy = new FaultProxy({
  upstream: environment.upstream,
  ...environment.certificates,
  choose(sent) {
    const broken = unguarded(sent);
    if (broken) {
      violations.push(broken);
    }
    return choose(sent);
  },
  exec(sent, socket, key) {
    const { searchParams } = new URL(sent.path, 'https://api');
    const [container = '', command = ''] = ['container', 'command'].map(
      (name) => searchParams.get(name) ?? '',
    );
    fakeExec(socket, key, environment.kubelet.ask(sent.namespace, sent.name, container, command));
  },
});
await environment.admin.create('/api/v1/namespaces', {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'postcheck-system' },
});
const kubeconfig = writeKubeconfig(environment.certificates, await proxy.listen(), 'token');
const operator = new OperatorProcess({ kubeconfig, identity: 'soak', flags: ['--leader-elect=false'] });
// Whoever ends this process ends that one with it.
process.on('exit', () => operator.signal('SIGKILL'));
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));
await operator.says('started');

const observer = new Observer(environment.admin);
observer.start();
const churned: Churned = { succeeded: 0, fellBack: 0, wrong: [], lost: [] };
const samples: Sample[] = [];
const began = performance.now();
const isOver = (): boolean => performance.now() - began > minutes * 60_000 || violations.length > 0;
const ended = (): number => churned.succeeded + churned.fellBack;

async function watchOver(): Promise<void> {
  for (let told = 0, known = 0; !isOver(); await rest(SAMPLE_EVERY_MS)) {
    const trouble = [...churned.wrong, ...churned.lost];
    if (trouble.length > known) {
      known = trouble.length;
      stdout.write(`so far:\n${trouble.join('\n')}\n`);
    }
    // What was sent is not kept: this process would be the one that grows.
    proxy.sent.length = 0;
    samples.push(await sample(operator));
    const minute = Math.floor((performance.now() - began) / 60_000);
    if (minute > told) {
      told = minute;
      const { heapMiB, descriptors, sockets } = samples.at(-1) as Sample;
      stdout.write(
        `minute ${minute}: ${churned.succeeded} succeeded, ${churned.fellBack} fell back, ${churned.lost.length} lost, ${churned.wrong.length} wrong; ${disturbed} requests disturbed; heap ${heapMiB.toFixed(0)} MiB, ${descriptors} descriptors, ${sockets} sockets\n`,
      );
    }
  }
}

/** When nothing happens, nothing is written. */
async function rests(): Promise<void> {
  isCalm = true;
  clearInterval(cutting);
  await rest(SETTLES_MS);
  const before = acts;
  await rest(RESTS_MS);
  if (acts > before) {
    violations.push(`${acts - before} writes in ${RESTS_MS / 1000} s in which nobody wanted anything`);
  }
}

const cutting = setInterval(() => (random.chance(0.5) ? proxy.cutAll() : proxy.goAway()), CUT_EVERY_MS);
try {
  const all = Array.from(
    { length: lanes },
    (_, i) => new Lane({ environment, observer, churned }, i, new Random(seed * 1000 + i)),
  );
  await Promise.all(all.map((lane) => lane.prepare()));
  const watching = watchOver();
  await Promise.all(all.map((lane) => lane.run(isOver)));
  await watching;
  await rests();
  await Promise.all(all.map((lane) => lane.remove()));
} catch (error) {
  stdout.write(
    `the operator said last:\n${operator
      .lastLines(20)
      .map((line) => JSON.stringify(line))
      .join('\n')}\n`,
  );
  throw error;
} finally {
  clearInterval(cutting);
  await operator.end('SIGTERM');
  proxy.close();
  observer.stop();
  environment.stop();
}

const figures = {
  minutes: Math.round((performance.now() - began) / 60_000),
  upgrades: ended(),
  fellBack: churned.fellBack,
  lost: churned.lost.length,
  wrong: churned.wrong.length,
  disturbed,
  heap: growth(samples, 'heapMiB'),
  descriptors: growth(samples, 'descriptors'),
  sockets: growth(samples, 'sockets'),
  timers: growth(samples, 'timers'),
};
stdout.write(
  `${[...churned.wrong, ...churned.lost, ...violations].join('\n')}\n${JSON.stringify(figures)}\n`,
);
const hasGrown = [figures.heap, figures.descriptors, figures.sockets, figures.timers].some(
  (ratio) => !(ratio <= MOST_GROWTH),
);
const failed = figures.lost + figures.wrong + violations.length > 0 || figures.upgrades === 0 || hasGrown;
if (env['RECORD'] && !failed) {
  recordMeasured('soak', figures, stamp);
}
process.exit(failed ? 1 : 0);
