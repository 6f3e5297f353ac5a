/** (a) how fast a verdict and a fallback come, (b) what proof costs against a bare rollout and a shell script, (d) API requests per upgrade. */
import { spawnSync } from 'node:child_process';
import { type Json, run } from '../e2e/support/api.ts';
import type { Figure } from './measure.ts';
import { IMAGE, NAMESPACE, type Site, until } from './site.ts';

const NAME = 'web';
const FAIL_AT_ONCE = {
  checks: [
    {
      name: 'readiness-probe',
      exec: { command: ['/usr/bin/readiness_probe.sh'] },
      exitCodes: [{ codes: '17', class: 'Fail' }],
    },
  ],
  periodSeconds: 1,
};

/** What one upgrade looked like from outside, by the arrival of watch events; milliseconds since the epoch. */
interface Seen {
  readonly readyAt: Map<string, number>;
  readonly verdictAt: Map<string, number>;
  revertedAt?: number;
  onlyOldAt?: number;
}

async function watched(site: Site, old: string, body: () => Promise<void>): Promise<Seen> {
  const seen: Seen = { readyAt: new Map(), verdictAt: new Map() };
  const pods = new Map<string, Json>();
  const stop = new AbortController();
  const { metadata } = await site.api.get(`/api/v1/namespaces/${NAMESPACE}/pods`);
  site.api.watch(
    `/api/v1/namespaces/${NAMESPACE}/pods`,
    metadata.resourceVersion,
    stop.signal,
    (type, pod) => {
      if (type === 'ERROR' || pod.metadata.labels?.app !== NAME) {
        return;
      }
      const condition = (name: string) =>
        pod.status?.conditions?.find((one: Json) => one.type === name)?.status;
      if (condition('ContainersReady') === 'True' && !seen.readyAt.has(pod.metadata.name)) {
        seen.readyAt.set(pod.metadata.name, Date.now());
      }
      if (condition('postcheck.dev/verified') === 'True' && !seen.verdictAt.has(pod.metadata.name)) {
        seen.verdictAt.set(pod.metadata.name, Date.now());
      }
      if (type === 'DELETED' || pod.metadata.deletionTimestamp) {
        pods.delete(pod.metadata.name);
      } else {
        pods.set(pod.metadata.name, {
          image: pod.spec.containers[0].image,
          ready: condition('Ready') === 'True',
        });
      }
      onlyOld();
    },
  );
  const onlyOld = () => {
    if (seen.revertedAt === undefined || seen.onlyOldAt !== undefined) {
      return;
    }
    if ([...pods.values()].every(({ image, ready }) => image === old && ready)) {
      seen.onlyOldAt = Date.now();
    }
  };
  for (const pod of await site.pods(NAME)) {
    pods.set(pod.metadata.name, { image: pod.spec.containers[0].image, ready: true });
  }
  const deployments = await site.api.get(`/apis/apps/v1/namespaces/${NAMESPACE}/deployments`);
  let rolled = false;
  site.api.watch(
    `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`,
    deployments.metadata.resourceVersion,
    stop.signal,
    (type, deployment) => {
      if (type === 'ERROR' || deployment.metadata.name !== NAME) {
        return;
      }
      const { image } = deployment.spec.template.spec.containers[0];
      if (image !== old) {
        rolled = true;
      } else if (rolled && seen.revertedAt === undefined) {
        seen.revertedAt = Date.now();
        onlyOld();
      }
    },
  );
  await body();
  stop.abort();
  return seen;
}

/** An Upgrade that takes v1 as it runs; each round measures from there. */
async function adopt(site: Site): Promise<void> {
  await site.api.create(`/apis/postcheck.dev/v1alpha1/namespaces/${NAMESPACE}/upgrades`, {
    apiVersion: 'postcheck.dev/v1alpha1',
    kind: 'Upgrade',
    metadata: { name: NAME, namespace: NAMESPACE },
    spec: {
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: NAME },
      containers: [{ name: 'app', image: IMAGE('v1') }],
      postCheck: FAIL_AT_ONCE,
    },
  });
  await ended(site, 'Succeeded');
}

const setImage = (site: Site, tag: string, more: Json = {}): Promise<Json> =>
  site.api.patch(site.upgrade(NAME), { spec: { containers: [{ name: 'app', image: IMAGE(tag) }], ...more } });

async function ended(site: Site, phase: string): Promise<Json> {
  let upgrade: Json;
  const rest = ['Succeeded', 'FellBack', 'Failed', 'FallbackFailed', 'Aborted'];
  await until(
    async () => {
      upgrade = await site.api.get(site.upgrade(NAME));
      return (
        upgrade.status?.observedGeneration === upgrade.metadata.generation &&
        rest.includes(upgrade.status.phase)
      );
    },
    120_000,
    `the upgrade to end as ${phase}`,
  );
  if (upgrade.status.phase !== phase) {
    throw new Error(`expected ${phase}: ${upgrade.status.message}`);
  }
  return upgrade.status;
}

/** Wall seconds of `body`. */
async function timed(body: () => unknown): Promise<number> {
  const began = performance.now();
  await body();
  return (performance.now() - began) / 1000;
}

function bare(tag: string): void {
  run('kubectl', ['-n', NAMESPACE, 'set', 'image', `deployment/${NAME}`, `app=${IMAGE(tag)}`]);
  run('kubectl', ['-n', NAMESPACE, 'rollout', 'status', `deployment/${NAME}`, '--timeout=120s']);
}

/** What people write by hand: set image, rollout status, exec in each pod, undo when one says no. */
const SCRIPT = `set -e
kubectl -n "$NS" set image deployment/web app="$IMAGE" >/dev/null
kubectl -n "$NS" rollout status deployment/web --timeout=120s >/dev/null
hash=$(kubectl -n "$NS" get rs -l app=web --sort-by=.metadata.creationTimestamp -o json | node -e 'const d=JSON.parse(require("fs").readFileSync(0));console.log(d.items.find(r=>r.spec.replicas>0&&r.spec.template.spec.containers[0].image===process.env.IMAGE).metadata.labels["pod-template-hash"])')
for pod in $(kubectl -n "$NS" get pods -l app=web,pod-template-hash=$hash -o name); do
  kubectl -n "$NS" exec "$pod" -- /usr/bin/readiness_probe.sh >/dev/null || { kubectl -n "$NS" rollout undo deployment/web >/dev/null; kubectl -n "$NS" rollout status deployment/web --timeout=120s >/dev/null; exit 1; }
done`;

function script(tag: string): void {
  const { status, stderr } = spawnSync('bash', ['-c', SCRIPT], {
    encoding: 'utf8',
    env: { ...process.env, KUBECONFIG: process.env['KUBECONFIG'] ?? '', NS: NAMESPACE, IMAGE: IMAGE(tag) },
  });
  if (status !== 0) {
    throw new Error(`the shell script failed: ${stderr}`);
  }
}

const WRITES = new Set(['create', 'update', 'patch', 'delete']);

/** Writes without events and lease; gate writes apart; lists. */
async function requests(site: Site, mark: number): Promise<{ writes: number; gates: number; lists: number }> {
  const ours = (await site.requestsSince(mark)).filter(
    ({ resource, namespace }) => namespace === NAMESPACE && resource !== 'events',
  );
  const writes = ours.filter(({ verb, resource }) => WRITES.has(verb) && resource !== 'pods/exec');
  const gates = writes.filter(({ resource }) => resource === 'pods/status').length;
  return { writes: writes.length - gates, gates, lists: ours.filter(({ verb }) => verb === 'list').length };
}

export async function benchUpgrades(
  site: Site,
  rounds: number,
  say: (line: string) => void,
): Promise<Figure[]> {
  await site.createDeployment(NAME, 3);
  await site.rolledOut(NAME);
  await adopt(site);
  const all: Record<string, number[]> = {};
  const note = (name: string, value: number) => {
    all[name] = [...(all[name] ?? []), value];
  };
  for (let round = 0; round < rounds; round++) {
    say(`upgrades, round ${round + 1} of ${rounds}`);
    await oneRound(site, note);
  }
  return figures(all);
}

type Note = (name: string, value: number) => void;

/** Every variant once, in turn, each from v1 to v2 and, where it leaves v2 behind, back by the same means. */
async function oneRound(site: Site, note: Note): Promise<void> {
  const upgraded = async (tag: string, gate: string) => {
    await setImage(site, tag, { gate });
    await ended(site, 'Succeeded');
  };
  const mark = site.auditMark();
  const seen = await watched(site, IMAGE('v1'), async () =>
    note('gated', await timed(() => upgraded('v2', 'Auto'))),
  );
  for (const [pod, at] of seen.verdictAt) {
    note('verdict', (at - (seen.readyAt.get(pod) ?? at)) / 1000);
  }
  const good = await requests(site, mark);
  note('writes', good.writes);
  note('gates', good.gates / 3);
  note('lists', good.lists);
  note('ungated', await timed(() => upgraded('v1', 'Disabled')));
  await badRound(site, note);
  await site.api.remove(site.upgrade(NAME));
  note('bare', await timed(() => bare('v2')));
  note('script', await timed(() => script('v1')));
  await adopt(site);
}

async function badRound(site: Site, note: Note): Promise<void> {
  const mark = site.auditMark();
  let evidenceAt = 0;
  const seen = await watched(site, IMAGE('v1'), async () => {
    await setImage(site, 'bad17', { gate: 'Auto' });
    const status = await ended(site, 'FellBack');
    evidenceAt = Date.parse(status.fallback.evidence[0].checks[0].lastAt);
    await site.rolledOut(NAME);
    await new Promise((done) => setTimeout(done, 500));
  });
  note('firstWrite', ((seen.revertedAt ?? Number.NaN) - evidenceAt) / 1000);
  note('onlyOld', ((seen.onlyOldAt ?? Number.NaN) - evidenceAt) / 1000);
  const bad = await requests(site, mark);
  note('badWrites', bad.writes);
  note('badLists', bad.lists);
}

function figures(all: Record<string, number[]>): Figure[] {
  const of = (name: string) => all[name] ?? [];
  const against = (name: string, base: string) =>
    of(name).map((value, i) => value / (of(base)[i] ?? Number.NaN));
  const extra = of('gated').map((value, i) => (value - (of('bare')[i] ?? Number.NaN)) / 3);
  return [
    { name: '(a) ContainersReady → verdict on the pod', unit: 's', values: of('verdict'), aim: '≤ 0.10' },
    { name: '(a) evidence → first fallback write', unit: 's', values: of('firstWrite'), aim: '≤ 0.05' },
    { name: '(a) evidence → only old pods, all Ready', unit: 's', values: of('onlyOld'), aim: '≤ 1.5' },
    { name: '(b) bare: kubectl set image + rollout status', unit: 's', values: of('bare') },
    { name: '(b) shell script: + exec in each pod', unit: 's', values: of('script') },
    { name: '(b) postcheck, gate Disabled', unit: 's', values: of('ungated') },
    { name: '(b) postcheck, gated', unit: 's', values: of('gated') },
    { name: '(b) gate Disabled ÷ bare', unit: '×', values: against('ungated', 'bare'), aim: '≤ 1.15' },
    { name: '(b) gate Disabled ÷ shell script', unit: '×', values: against('ungated', 'script') },
    { name: '(b) gated ÷ bare', unit: '×', values: against('gated', 'bare') },
    { name: '(b) gated − bare, a rollout step of 3', unit: 's', values: extra, aim: '≤ 1.2' },
    { name: '(d) API writes of a good upgrade of 3 pods', unit: '', values: of('writes'), aim: '≤ 8' },
    { name: '(d) gate writes a pod', unit: '', values: of('gates'), aim: '1' },
    { name: '(d) lists of a good upgrade', unit: '', values: of('lists'), aim: '0' },
    { name: '(d) API writes of a bad upgrade and its fallback', unit: '', values: of('badWrites') },
    { name: '(d) lists of a bad upgrade and its fallback', unit: '', values: of('badLists'), aim: '0' },
  ];
}
