/** docs/scale.md: what `make bench-scale` measured, from docs/scale.json, where each recorded run adds itself. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import type { Figure } from '../test/bench/measure.ts';

const RESULTS = 'docs/scale.json';

interface Run {
  readonly date: string;
  readonly commit: string;
  readonly machine: string;
  readonly load: string;
  /** Requests a second of each controller, at most. */
  readonly controllerRate: number;
  readonly sizes: Readonly<Record<string, number>>;
  readonly figures: readonly Pick<Figure, 'name' | 'unit' | 'aim' | 'values' | 'missing'>[];
}

/** Ten of each Upgrade, where no larger workload was measured. */
const podsOf = ({ sizes }: Run): number =>
  sizes['upgrades'] ? 10 * sizes['upgrades'] : Math.max(...Object.values(sizes));

const runs = (): Run[] => JSON.parse(readFileSync(RESULTS, 'utf8')) as Run[];

/** Adds a run; one of the same sizes and with the same controllers gives way. */
export function recordScale(
  figures: readonly Figure[],
  sizes: Readonly<Record<string, number>>,
  load: string,
  controllerRate: number,
): void {
  const commit = spawnSync('git', ['rev-parse', '--short=8', 'HEAD'], { encoding: 'utf8' }).stdout.trim();
  const run: Run = {
    date: new Date().toISOString().slice(0, 10),
    commit,
    machine: `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    load,
    controllerRate,
    sizes,
    figures,
  };
  const keyOf = (one: Pick<Run, 'sizes' | 'controllerRate'>) =>
    JSON.stringify([one.sizes, one.controllerRate]);
  const others = runs().filter((one) => keyOf(one) !== keyOf(run));
  const all = [...others, run].sort((a, b) => podsOf(a) - podsOf(b));
  writeFileSync(RESULTS, `${JSON.stringify(all, undefined, 2)}\n`);
  writeFileSync('docs/scale.md', scalePage());
}

const shown = (value: number): string =>
  value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);

type Shown = Run['figures'][number];

const measured = ({ unit, values, missing }: Shown): string =>
  values.length > 0
    ? `${values.map(shown).join(', ')} ${unit}`.trim()
    : `not measured: ${missing.join('; ')}`;

function line(name: string, figure: Shown): string {
  const { aim, values } = figure;
  return `| ${name} | ${measured(figure)} | ${aim ? `${aim}${isMissed(aim, values) ? ' — **missed**' : ''}` : ''} |`;
}

/** The name of a figure is that of its workload, and what was measured of it: `(b) 300 × 10 pods at once: most memory`. */
function splitName(name: string): readonly [workload: string, what: string] {
  const at = name.lastIndexOf(': ');
  return at < 0 ? ['', name] : [name.slice(0, at), name.slice(at + 2)];
}

const workloadsOf = ({ figures }: Run): Map<string, readonly Shown[]> =>
  Map.groupBy(figures, ({ name }) => splitName(name)[0]);

const HEAD = '| | measured | aim |\n|---|---|---|';

/** One table for each workload; what has one figure only shares the last one. */
function tables(run: Run): string {
  const workloads = [...workloadsOf(run)];
  const single = workloads.filter(([workload, { length }]) => length === 1 || workload === '');
  const own = workloads
    .filter((one) => !single.includes(one))
    .map(
      ([workload, figures]) =>
        `### ${workload}\n\n${HEAD}\n${figures.map((one) => line(splitName(one.name)[1], one)).join('\n')}\n`,
    );
  const rest = single.flatMap(([, figures]) => figures).map((one) => line(one.name, one));
  return [
    ...own,
    ...(rest.length > 0 ? [`${own.length > 0 ? '### Others\n\n' : ''}${HEAD}\n${rest.join('\n')}\n`] : []),
  ].join('\n');
}

const GLANCE = ['verified ÷ bare', 'operator CPU a pod', 'most memory', 'event-loop lag p99'];

/** What matters most, of each workload that was compared with its bare rollout; missed aims in bold. */
function atAGlance(): string {
  const rows = runs().flatMap((run) =>
    [...workloadsOf(run)].flatMap(([workload, figures]) => {
      const cells = GLANCE.map((what) => {
        const figure = figures.find(({ name }) => splitName(name)[1] === what);
        const value = figure ? measured(figure) : '';
        return figure?.aim && isMissed(figure.aim, figure.values) ? `**${value}**` : value;
      });
      return cells[0]
        ? [`| ${workload} | ${run.controllerRate} | ${cells.join(' | ')} | ${run.commit} |`]
        : [];
    }),
  );
  return `| | requests a second of each controller | ${GLANCE.join(' | ')} | commit |\n|---|---|${'---|'.repeat(GLANCE.length)}---|\n${rows.join('\n')}`;
}

/** Aims are written as `≤ 1.1`, perhaps with a remark, or as a plain number that is not to be exceeded either. */
function isMissed(aim: string, values: readonly number[]): boolean {
  const most = Number(/^(?:≤ )?([\d.]+)/.exec(aim)?.[1]);
  return values.some((value) => value > most);
}

const titleOf = ({ pods, paced, pacedOnDelete, upgrades, failing, others }: Run['sizes']): string =>
  [
    pods ? `${pods} pods` : '',
    paced ? `${paced} pods that take a while to start` : '',
    pacedOnDelete ? `${pacedOnDelete} pods that take a while to start, OnDelete` : '',
    upgrades ? `${upgrades} Upgrades${failing ? `, ${failing} of them failing` : ''}` : '',
    others ? `${others} pods that no Upgrade concerns` : '',
  ]
    .filter(Boolean)
    .join(', ');

const section = (run: Run): string => `## ${titleOf(run.sizes)}

${run.date}, commit ${run.commit}, one run on one machine (${run.machine}) that also runs the API server, etcd, the controllers, the scheduler and the simulated nodes; each controller makes at most ${run.controllerRate} requests a second; load average ${run.load}.

${tables(run)}`;

/** The largest workloads that were recorded, of equal ones the last, as in `5,000 pods of a DaemonSet (…), 300 Upgrades of 10 pods at once, 60 of them failing (…)`. */
export function loadHeld(): string | undefined {
  const largest = (of: string): Run | undefined =>
    runs()
      .filter(({ sizes }) => sizes[of] !== undefined)
      .toSorted((a, b) => (a.sizes[of] ?? 0) - (b.sizes[of] ?? 0))
      .at(-1);
  const text = (run: Run | undefined, what: (sizes: Run['sizes']) => string): readonly string[] =>
    run ? [`${what(run.sizes)} (${run.date}, ${run.commit})`] : [];
  const texts = [
    ...text(largest('pods'), ({ pods = 0 }) => `${pods.toLocaleString('en')} pods of a DaemonSet`),
    ...text(
      largest('upgrades'),
      ({ upgrades = 0, failing = 0 }) =>
        `${upgrades.toLocaleString('en')} Upgrades of 10 pods at once, ${failing.toLocaleString('en')} of them failing`,
    ),
  ];
  return texts.length > 0 ? texts.join('; ') : undefined;
}

const LARGE_ENOUGH = runs().some(({ sizes }) => (sizes['pods'] ?? 0) >= 5000);

export const scalePage = (): string => `<!-- generated by \`npm run generate\` from docs/scale.json -->
# How it scales

\`make bench-scale\` starts a real API server with etcd, the controllers and the scheduler, and simulated nodes ([kwok](https://kwok.sigs.k8s.io)): pods run as soon as they are bound, and a command in a pod runs on the machine itself.
Each attempt is compared with a plain rollout of the same workload just before it, in the same run.
Other load on the machine affects every number, and times most of all; see the load average.
"All the others" are the API server, etcd, the controllers, the scheduler and the simulated nodes: they share the machine's cores with the operator, so what verification adds to their work adds to the time.
${LARGE_ENOUGH ? '' : 'No run of 5,000 pods has been recorded yet.\n'}Parts (a) to (e) of the tables are a DaemonSet with a pod a node, many Upgrades at once, some of them failing together, an operator that starts in a cluster full of other pods, and the gate policy.
With \`--only flat\` the same DaemonSet is also verified by a minimal client-go program (\`test/bench/client-go/verifier\`): one command and one condition for each pod, no state, no fallback.
It is the least that a verification from inside costs, whoever does it; what the operator takes beyond it is the operator's own.
A rollout is as fast as its controllers: kube-controller-manager makes 20 requests a second for each of them unless it is configured otherwise, and so do these, except while a workload is prepared.
With \`--controller-rate 200\` a rollout takes all that the cores have, and verification, which needs them too, takes correspondingly longer.
Where nothing else is said pods start immediately, so the whole cost of verification is visible; real pods take seconds to start, which makes the difference smaller.
Up to commit f55cfaba, "most memory" has 17 MiB in it that the bench's own measuring of the event loop took in the operator's process, and 1.4 MiB because the program was kept with two bytes a character.
Run \`make bench-scale PODS=5000 UPGRADES=1000 FAILING=200\` for larger workloads; \`RECORD=1\` adds a run to this page.

## At a glance

The aims are 1.1 ×, 250 MiB and 50 ms, and that the CPU a pod costs the operator grows by no more than 1.3 × from 100 pods to 5,000; what misses one is in bold.

${atAGlance()}

${runs().map(section).join('\n')}
## What takes the time

Where the controllers make as many requests as they do by default, they set the pace, and verification needs only what the cores have left: 1,000 × 10 pods that are ready at once took 0.95 times as long verified as bare (commit d67447f; unit tests ran beside the bare rollout, at the lowest priority, and none beside the rest), and 1.00 times at commit 19d97f7.
A fallback begins with two writes, one after the other: that it begins, and the images. How long both take depends on the machine: at commit 19d97f7 the images were set 0.05 s after the evidence in the median, and 0.38 s for the slowest of 200 (p99), 0.97 times two writes of the bench itself.
At commit d67447f, on a machine on which everything took about a sixth more of the processor, the first write came after 0.25 s and 1.36 s, and the images after 0.48 s and 2.0 s, 2.13 times two writes.
Most of that was in the first seconds, when the API server had a request of each worker to work on, since all of them began attempts; since these begin one after the other the first write took 0.14 s (p99), and the images 0.25 s, 1.35 times two writes (commit 23d1df21). The wait in the queue includes that turn, so its p99 is that of the last ones to begin.
The API server ended three of the operator's watches then: that of the Upgrades when a thousand were created at once, which went on where it had ended, and twice that of the pods, five and seven seconds after a list of all 10,000 began in it. Since then a list of more than 1,000 objects comes in pages, not in its watch.
Commit 6f86c9d had taken 0.72 s, 1.60 times two writes. Since then the two writes of a fallback wait for no other attempt's, and of the bench's own doing three things are gone:
the API server began to collect garbage when its memory had doubled, 132 times in 335 s with 300 × 10 pods; of 32 requests at once, six were for the operator, the scheduler and the controllers together in the first ten seconds; and the bench, whose requests go before all others, listed all Upgrades and changed sixteen at once while the first ones failed.
Half as many connections for all other writes did not help (p99 0.53 s with 200 × 10 pods, all failing; 0.33 s before), and are not kept.
What follows is about controllers that make up to 200 requests a second each, so that everything waits for the cores.
At 5,000 pods that are ready at once (commit 3b398f6) the minimal program took 1.90 times as long as the bare rollout before it, and the operator 0.96 times as long as the minimal program.
One command, one condition, and one \`Ready\` more double the work of everything else, so whatever verifies each pod from inside misses the aim of 1.1 × where all of it shares two cores; it was met for 200 pods that take 3 s to start.
With 5,000 pods that take 20 s to start, 2 % of them at once, it was met too, with both strategies: 1.08 × (commits 134f2eb and f21bc89); with 10 s it had been 1.16 ×, where the bare rollout alone used 1.35 of the two cores (commit 3b398f6).
Compare only figures of one run: at commit 7447f49 the same bare rollout had taken 66 s and 24.9 ms of CPU a pod on another machine of the same size.
Of the event-loop lag at 5,000 pods, 10 to 14 ms are also seen by a process that does nothing.
A CPU profile of 50 × 10 pods at once (commit 87c035c) shows the operator idle for 89 % of the time: it waits for the API server, whose answers took 70 to 300 ms (medians by kind of request) on two cores that it shares with everything else.
A pod costs one command, one write of its condition, and the kubelet's write of \`Ready\` after it; an Upgrade costs about ten writes more, and its progress, at most every two seconds and ten times a second over all Upgrades.
A key whose decisions are expensive rests until they took a tenth of the time, for a second at most; evidence of a failure does not wait for that.
With 300 × 10 pods, 60 of the Upgrades failing together, the slowest of them (p99) took 0.97 s, 1.32 times two writes of the bench itself (commit 2a06997), and 0.94 s, 1.00 times these, since a status that a controller writes in between is no conflict (commit 1c4768e).
With an API server that serves 32 requests at once and ranks them, as the release's FlowSchemas have it, it was 0.48 s, 0.59 times these (commit d517d4d); with 12 requests at once 0.98 s, as the operator then waits for its seats.
With 1,000 × 10 pods, 200 failing, the same commit took 1.0 s, 1.40 times two writes. Commit d64ef0a took 1.25 s, 1.86 times two writes; the histogram of the first had no bound between 0.5 and 1 s.
Runs before commit d517d4d had an API server that ranked nothing, and those before commit 19d97f7 one that served 32 requests at once and collected garbage as often as Go does by default.
That others had only two workers while fallbacks were being written did not change it (p99 0.57 s with 100 × 10 pods, all failing, after 0.37 and 0.55 s without), and is not kept.
Eight Upgrades are written to at once; up to sixteen more, with something that may count against their version, do not wait for them.
Attempts begin one after the other, so of a thousand Upgrades applied at once the last ones begin late; until then they say that they wait for their turn (\`Queued\`).
Before, they began while nothing else waited: with 300 × 10 pods a command waited 1.6 s for its turn (p99), and 27.6 s without that order, run after it on the same machine (commits 3d50e3e and 9fb0c08); fallbacks and the whole took as long as before (0.57 s and 0.54 s, 3.1 times the bare rollout).
With 1,000 × 10 pods it was 2.4 s (commit d64ef0a), and 46 s before that order (commit d517d4d); 855 of the 1,000 said that they wait for their turn 40 s after the first was created, and none did after five minutes.
With 100 × 10 pods the bare rollouts were 9,000 requests of everybody to the API server, and the verified ones 15,900: 2,000 writes of conditions, 1,300 commands, 1,380 of Upgrades' status, 300 events more (commit 17d8d04).
The gate policy took 14 % of the API server's time then, and the status of Upgrades 12 %.
The gate policy looks at each Upgrade of a namespace for each pod that is created there, and the API server encodes and decodes the Upgrade each time (most of that time, in its CPU profile), so part (e) grows with the number of Upgrades in the namespace, also of those at rest.
Part (b) has ten in each namespace.
Where one namespace has hundreds, \`gate.carrier=Webhook\` avoids that: the operator looks only at Upgrades of the pod's own workload.
A ResourceQuota for \`count/upgrades.postcheck.dev\` limits how many a tenant may create.

## Beyond one operator

Only one operator leads; more replicas do not make it faster.
Instead, distribute the namespaces: one release per set of namespaces, each with its own \`watchNamespaces\` and Lease ([chart](../charts/postcheck/README.md)).
\`test/fault/releases.test.ts\` installs two such releases on one API server, upgrades with both at once, and kills one of them.
`;
