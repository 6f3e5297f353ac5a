/** (a) One DaemonSet, a pod a node: an attempt beside the bare rollout just before it. */
import type { Part } from '../harness.ts';
import { type Figure, type FigureSpec, median, type Sheet } from '../measure.ts';
import { Agents, type AgentsShape, clearAgents, LIMIT_MS, NAMESPACE, STEP, seconds } from './agents.ts';
import { type Fleet, IMAGE, until } from './fleet.ts';
import { growth, type OperatorProcess, quantile } from './operator-process.ts';

const UPGRADES = `/apis/postcheck.dev/v1alpha1/namespaces/${NAMESPACE}/upgrades`;

export interface Shape extends AgentsShape {
  readonly update: 'RollingUpdate' | 'OnDelete';
  /** `exec`: a command in each pod; `readiness`: nothing is asked. */
  readonly check: 'exec' | 'readiness';
}

const KINDS = [
  'bare',
  'ours',
  'ratio',
  'cpu',
  'bareCluster',
  'cluster',
  'rss',
  'writes',
  'gets',
  'lists',
  'ended',
  'bareCutOff',
  'cutOff',
  'p50',
  'p99',
  'lag',
  'lagMax',
  'idleLag',
  'execWait',
] as const;
export type Kind = (typeof KINDS)[number];

function nameOf({ pods, update, check, startsAfter, step }: Shape): string {
  const start = startsAfter ? `, ready ${startsAfter} after their start` : '';
  const parallel = step ? `, ${step} at once` : '';
  return `(a) ${pods} pods${start}${parallel}, ${update}, ${check === 'exec' ? 'a command in each' : 'readiness alone'}`;
}

function specsOf(shape: Shape): Record<Kind, FigureSpec> {
  const of = nameOf(shape);
  return {
    bare: { name: `${of}: bare rollout`, unit: 's' },
    ours: { name: `${of}: verified`, unit: 's' },
    ratio: { name: `${of}: verified ÷ bare`, unit: '×', aim: '≤ 1.1' },
    cpu: { name: `${of}: operator CPU a pod`, unit: 'ms' },
    bareCluster: { name: `${of}: CPU a pod of all the others, bare`, unit: 'ms' },
    cluster: { name: `${of}: CPU a pod of all the others, verified`, unit: 'ms' },
    rss: { name: `${of}: most memory`, unit: 'MiB', aim: '≤ 250' },
    writes: { name: `${of}: writes a pod`, unit: '' },
    gets: { name: `${of}: reads a pod`, unit: '' },
    lists: { name: `${of}: lists`, unit: '' },
    ended: { name: `${of}: the operator's watches that ended before their time`, unit: '', aim: '0' },
    bareCutOff: { name: `${of}: watches of anybody cut off as too slow, bare`, unit: '' },
    cutOff: { name: `${of}: watches of anybody cut off as too slow, verified`, unit: '' },
    p50: { name: `${of}: reconcile p50, its writes included`, unit: 'ms' },
    p99: { name: `${of}: reconcile p99, its writes included`, unit: 'ms' },
    lag: { name: `${of}: event-loop lag p99`, unit: 'ms', aim: '≤ 50' },
    lagMax: { name: `${of}: event-loop lag, longest`, unit: 'ms' },
    idleLag: { name: `${of}: the same of a process that does nothing, p99`, unit: 'ms' },
    execWait: { name: `${of}: a command's wait for its turn, p99`, unit: 'ms' },
  };
}

export const verifiedName = (shape: Shape): string => specsOf(shape).ours.name;

/** What a pod costs the operator in the second shape, of what it costs in the first; nothing unless both were measured. */
export function flatness(figures: readonly Figure[], few: Shape, many: Shape): Figure[] {
  const [less = Number.NaN, more = Number.NaN] = [few, many].map(
    (shape) => figures.find(({ name }) => name === specsOf(shape).cpu.name)?.values[0],
  );
  const name = `${nameOf(many)}: operator CPU a pod ÷ that with ${few.pods} pods`;
  return few.pods < many.pods && more / less > 0
    ? [{ name, unit: '×', aim: '≤ 1.3', values: [more / less], missing: [] }]
    : [];
}

/** What an attempt cost, in the figures that every part of this bench has. */
async function weigh(
  fleet: Fleet,
  operator: OperatorProcess,
  sheet: Sheet<Kind>,
  pods: number,
  attempt: () => Promise<void>,
): Promise<void> {
  const mark = await fleet.mark();
  let cluster = Number.NaN;
  const cost = await operator.during(async () => {
    cluster = await fleet.cpuDuring(attempt);
  });
  const { writes, gets, lists, ended, cutOff } = await fleet.requestsSince(mark);
  sheet.note('cpu', (cost.cpuSeconds * 1000) / pods);
  sheet.note('cluster', (cluster * 1000) / pods);
  sheet.note('rss', cost.peakMiB);
  sheet.note('writes', writes / pods);
  sheet.note('gets', gets / pods);
  sheet.note('lists', lists);
  sheet.note('ended', ended);
  sheet.note('cutOff', cutOff);
  sheet.note('p50', quantile(cost, 'workqueue_work_duration_seconds', 0.5) * 1000);
  sheet.note('p99', quantile(cost, 'workqueue_work_duration_seconds', 0.99) * 1000);
  sheet.note('lag', cost.lag.p99Ms);
  sheet.note('lagMax', cost.lag.maxMs);
  sheet.note('idleLag', cost.idleLag.p99Ms);
  if (growth(cost, 'postcheck_exec_wait_seconds_count') > 0) {
    sheet.note('execWait', quantile(cost, 'postcheck_exec_wait_seconds', 0.99) * 1000);
  }
}

export function daemonSetPart(fleet: () => Fleet, operator: () => OperatorProcess, shape: Shape): Part<Kind> {
  return {
    name: `${shape.pods} pods, ${shape.update}, ${shape.check}, ${shape.startsAfter ?? 'at once'}`,
    figures: specsOf(shape),
    needs: [],
    limitMs: 2 * LIMIT_MS,
    measure: async (sheet) => {
      const { rest } = fleet();
      const agents = new Agents(fleet(), shape);
      await fleet().preparing(() => agents.create());
      const cutOff = fleet().cutOff();
      const bareCluster = await fleet().cpuDuring(async () => {
        sheet.note('bare', await seconds(() => agents.roll('v2')));
      });
      sheet.note('bareCutOff', fleet().cutOff() - cutOff);
      sheet.note('bareCluster', (bareCluster * 1000) / shape.pods);
      if (shape.update === 'OnDelete') {
        await agents.patch({ updateStrategy: { type: 'OnDelete', rollingUpdate: null } });
      }
      await weigh(fleet(), operator(), sheet, shape.pods, async () => {
        const took = await seconds(async () => {
          await rest.create(UPGRADES, upgradeOf(shape));
          await until(
            async () => (await rest.get(`${UPGRADES}/agent`)).status?.phase === 'Succeeded',
            LIMIT_MS,
            'the Upgrade to succeed',
          );
          await agents.rolledOut('all pods to be available');
        });
        sheet.note('ours', took);
      });
      const [bare = Number.NaN, ours = Number.NaN] = (['bare', 'ours'] as const).map((kind) =>
        median(sheet.values(kind)),
      );
      sheet.note('ratio', ours / bare);
    },
    clear: () => clearAgents(fleet()),
  };
}

const upgradeOf = ({ update, check, step = STEP }: Shape) => ({
  apiVersion: 'postcheck.dev/v1alpha1',
  kind: 'Upgrade',
  metadata: { name: 'agent' },
  spec: {
    targetRef: { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agent' },
    containers: [{ name: 'agent', image: IMAGE('v3') }],
    postCheck: {
      deadlineSeconds: 3600,
      checks: check === 'exec' ? [{ name: 'true', exec: { command: ['/bin/true'] } }] : [],
    },
    ...(update === 'OnDelete' ? { strategy: { maxParallel: step } } : {}),
  },
});
