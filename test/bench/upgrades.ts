/** (a) how fast a verdict and a fallback come, (b) what proof costs against a bare rollout and a shell script, (d) API requests per upgrade. */
import { execFile } from 'node:child_process';
import { setTimeout as rest } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Json, start } from '../e2e/support/api.ts';
import type { Part } from './harness.ts';
import type { FigureSpec, Sheet } from './measure.ts';
import { IMAGE, type Site } from './site.ts';

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
class Seen {
  readonly readyAt = new Map<string, number>();
  readonly verdictAt = new Map<string, number>();
  revertedAt: number | undefined;
  onlyOldAt: number | undefined;
  /** Why something may not have been seen. */
  why = 'no event said so';
  readonly #old: string;
  readonly #before = new Set<string>();
  /** Is it an old one, and ready? */
  readonly #pods = new Map<string, boolean>();
  #rolled = false;

  constructor(old: string) {
    this.#old = old;
  }

  pod(type: string, pod: Json): void {
    const { name, labels, deletionTimestamp } = pod.metadata;
    if (labels?.app !== NAME) {
      return;
    }
    this.#times(type, pod);
    if (type === 'DELETED' || deletionTimestamp) {
      this.#pods.delete(name);
    } else {
      this.#pods.set(name, pod.spec.containers[0].image === this.#old && isTrue(pod, 'Ready'));
    }
    this.#onlyOld();
  }

  /** Only pods that come meanwhile are timed: what those before them did is not seen from its beginning. */
  #times(type: string, pod: Json): void {
    const { name } = pod.metadata;
    if (type === 'LISTED') {
      this.#before.add(name);
    } else if (!this.#before.has(name)) {
      noteFirst(this.readyAt, name, isTrue(pod, 'ContainersReady'));
      noteFirst(this.verdictAt, name, isTrue(pod, 'postcheck.dev/verified'));
    }
  }

  deployment(deployment: Json): void {
    if (deployment.metadata.name !== NAME) {
      return;
    }
    if (deployment.spec.template.spec.containers[0].image !== this.#old) {
      this.#rolled = true;
    } else if (this.#rolled && this.revertedAt === undefined) {
      this.revertedAt = Date.now();
      this.#onlyOld();
    }
  }

  #onlyOld(): void {
    if (this.revertedAt !== undefined && [...this.#pods.values()].every((isOldAndReady) => isOldAndReady)) {
      this.onlyOldAt ??= Date.now();
    }
  }
}

const isTrue = (pod: Json, type: string): boolean =>
  pod.status?.conditions?.find((one: Json) => one.type === type)?.status === 'True';

function noteFirst(times: Map<string, number>, name: string, seen: boolean): void {
  if (seen && !times.has(name)) {
    times.set(name, Date.now());
  }
}

/** Tells `seen` of every object as the list has it, and of every change since: no event can fall between the two. */
async function follow(
  site: Site,
  path: string,
  signal: AbortSignal,
  see: (type: string, object: Json) => void,
) {
  const { metadata, items } = await site.api.get(path);
  for (const item of items) {
    see('LISTED', item);
  }
  site.api.watch(path, metadata.resourceVersion, signal, see);
}

async function watched(site: Site, old: string, body: () => Promise<void>): Promise<Seen> {
  const seen = new Seen(old);
  const stop = new AbortController();
  const unlessBroken = (see: (type: string, object: Json) => void) => (type: string, object: Json) => {
    if (type === 'ERROR') {
      seen.why = `a watch broke: ${object.message}`;
    } else {
      see(type, object);
    }
  };
  try {
    await follow(
      site,
      site.all('v1', 'pods'),
      stop.signal,
      unlessBroken((type, pod) => seen.pod(type, pod)),
    );
    await follow(
      site,
      site.all('apps/v1', 'deployments'),
      stop.signal,
      unlessBroken((_type, one) => seen.deployment(one)),
    );
    await body();
  } finally {
    stop.abort();
  }
  return seen;
}

/** An Upgrade that takes v1 as it runs; each round measures from there. */
async function adopt(site: Site): Promise<void> {
  await site.api.create(site.all('postcheck.dev/v1alpha1', 'upgrades'), {
    apiVersion: 'postcheck.dev/v1alpha1',
    kind: 'Upgrade',
    metadata: { name: NAME, namespace: site.namespace },
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
  const ends = ['Succeeded', 'FellBack', 'Failed', 'FallbackFailed', 'Aborted'];
  await site.until(
    async () => {
      upgrade = await site.api.get(site.upgrade(NAME));
      return (
        upgrade.status?.observedGeneration === upgrade.metadata.generation &&
        ends.includes(upgrade.status.phase)
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

async function bare(site: Site, tag: string): Promise<void> {
  const here = ['-n', site.namespace];
  await start('kubectl', [...here, 'set', 'image', `deployment/${NAME}`, `app=${IMAGE(tag)}`]);
  await start('kubectl', [...here, 'rollout', 'status', `deployment/${NAME}`, '--timeout=120s']);
}

/** What people write by hand: set image, rollout status, exec in each pod, undo when one says no. */
const SCRIPT = `set -e
kubectl -n "$NS" set image deployment/web app="$IMAGE" >/dev/null
kubectl -n "$NS" rollout status deployment/web --timeout=120s >/dev/null
hash=$(kubectl -n "$NS" get rs -l app=web --sort-by=.metadata.creationTimestamp -o json | node -e 'const d=JSON.parse(require("fs").readFileSync(0));console.log(d.items.find(r=>r.spec.replicas>0&&r.spec.template.spec.containers[0].image===process.env.IMAGE).metadata.labels["pod-template-hash"])')
for pod in $(kubectl -n "$NS" get pods -l app=web,pod-template-hash=$hash -o name); do
  kubectl -n "$NS" exec "$pod" -- /usr/bin/readiness_probe.sh >/dev/null || { kubectl -n "$NS" rollout undo deployment/web >/dev/null; kubectl -n "$NS" rollout status deployment/web --timeout=120s >/dev/null; exit 1; }
done`;

async function script(site: Site, tag: string): Promise<void> {
  await promisify(execFile)('bash', ['-c', SCRIPT], {
    env: {
      ...process.env,
      KUBECONFIG: process.env['KUBECONFIG'] ?? '',
      NS: site.namespace,
      IMAGE: IMAGE(tag),
    },
  });
}

const WRITES = new Set(['create', 'update', 'patch', 'delete']);

/** Writes without events and lease; gate writes apart; lists. */
async function requests(site: Site, mark: number): Promise<{ writes: number; gates: number; lists: number }> {
  const ours = (await site.requestsSince(mark)).filter(
    ({ resource, namespace }) => namespace === site.namespace && resource !== 'events',
  );
  const writes = ours.filter(({ verb, resource }) => WRITES.has(verb) && resource !== 'pods/exec');
  const gates = writes.filter(({ resource }) => resource === 'pods/status').length;
  return { writes: writes.length - gates, gates, lists: ours.filter(({ verb }) => verb === 'list').length };
}

const FIGURES = {
  verdict: { name: '(a) ContainersReady → verdict on the pod', unit: 's', aim: '≤ 0.10' },
  firstWrite: { name: '(a) evidence → previous images set', unit: 's', aim: '≤ 0.05' },
  onlyOld: { name: '(a) evidence → only old pods, all Ready', unit: 's', aim: '≤ 1.5' },
  bare: { name: '(b) bare: kubectl set image + rollout status', unit: 's' },
  script: { name: '(b) shell script: + exec in each pod', unit: 's' },
  ungated: { name: '(b) postcheck, gate Disabled', unit: 's' },
  gated: { name: '(b) postcheck, gated', unit: 's' },
  ungatedToBare: { name: '(b) gate Disabled ÷ bare', unit: '×', aim: '≤ 1.15' },
  ungatedToScript: { name: '(b) gate Disabled ÷ shell script', unit: '×' },
  gatedToBare: { name: '(b) gated ÷ bare', unit: '×' },
  step: { name: '(b) gated − bare, a rollout step of 3', unit: 's', aim: '≤ 1.2' },
  writes: { name: '(d) API writes of a good upgrade of 3 pods', unit: '', aim: '≤ 8' },
  gates: { name: '(d) gate writes a pod', unit: '', aim: '1' },
  lists: { name: '(d) lists of a good upgrade', unit: '', aim: '0' },
  badWrites: { name: '(d) API writes of a bad upgrade and its fallback', unit: '' },
  badLists: { name: '(d) lists of a bad upgrade and its fallback', unit: '', aim: '0' },
} as const satisfies Record<string, FigureSpec>;
type Name = keyof typeof FIGURES;

export function upgradesPart(site: Site, rounds: number, say: (line: string) => void): Part<Name> {
  return {
    name: 'upgrades',
    figures: FIGURES,
    needs: [],
    limitMs: (2 + 3 * rounds) * 60_000,
    clear: (signal) => site.clear(signal),
    measure: async (sheet, signal) => {
      await site.prepare(signal);
      await site.createDeployment(NAME, 3);
      await site.rolledOut(NAME);
      await adopt(site);
      for (let round = 1; round <= rounds; round++) {
        say(`upgrades, round ${round} of ${rounds}`);
        await oneRound(site, sheet);
      }
    },
  };
}

/** Every variant once, in turn, each from v1 to v2 and, where it leaves v2 behind, back by the same means. */
async function oneRound(site: Site, sheet: Sheet<Name>): Promise<void> {
  const gated = await gatedRound(site, sheet);
  const ungated = await timed(() => upgraded(site, 'v1', 'Disabled'));
  sheet.note('ungated', ungated);
  await badRound(site, sheet);
  await site.api.remove(site.upgrade(NAME));
  const plain = await timed(() => bare(site, 'v2'));
  sheet.note('bare', plain);
  const scripted = await timed(() => script(site, 'v1'));
  sheet.note('script', scripted);
  sheet.note('ungatedToBare', ungated / plain);
  sheet.note('ungatedToScript', ungated / scripted);
  sheet.note('gatedToBare', gated / plain);
  sheet.note('step', (gated - plain) / 3);
  await adopt(site);
}

async function upgraded(site: Site, tag: string, gate: string): Promise<void> {
  await setImage(site, tag, { gate });
  await ended(site, 'Succeeded');
}

/** Returns how long the upgrade took, in seconds. */
async function gatedRound(site: Site, sheet: Sheet<Name>): Promise<number> {
  const mark = site.auditMark();
  let took = Number.NaN;
  const seen = await watched(site, IMAGE('v1'), async () => {
    took = await timed(() => upgraded(site, 'v2', 'Auto'));
  });
  sheet.note('gated', took);
  for (const [pod, at] of seen.verdictAt) {
    sheet.note('verdict', (at - (seen.readyAt.get(pod) ?? Number.NaN)) / 1000, seen.why);
  }
  const good = await requests(site, mark);
  sheet.note('writes', good.writes);
  sheet.note('gates', good.gates / 3);
  sheet.note('lists', good.lists);
  return took;
}

async function badRound(site: Site, sheet: Sheet<Name>): Promise<void> {
  const mark = site.auditMark();
  let evidenceAt = Number.NaN;
  const seen = await watched(site, IMAGE('v1'), async () => {
    await setImage(site, 'bad17', { gate: 'Auto' });
    const { fallback } = await ended(site, 'FellBack');
    evidenceAt = Date.parse(fallback.evidence[0]?.checks[0]?.lastAt);
    await site.rolledOut(NAME);
    await rest(500);
  });
  const why = Number.isNaN(evidenceAt) ? 'the status has no evidence of a check' : seen.why;
  sheet.note('firstWrite', ((seen.revertedAt ?? Number.NaN) - evidenceAt) / 1000, why);
  sheet.note('onlyOld', ((seen.onlyOldAt ?? Number.NaN) - evidenceAt) / 1000, why);
  const bad = await requests(site, mark);
  sheet.note('badWrites', bad.writes);
  sheet.note('badLists', bad.lists);
}
