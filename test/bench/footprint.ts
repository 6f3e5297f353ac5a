/** (e) requests a minute when nothing happens, (f) memory: idle, after 200 upgrades, and with 5,000 pods watched. */
import type { Figure } from './measure.ts';
import { IMAGE, NAMESPACE, type Site, until } from './site.ts';

const IDLE_SECONDS = 120;
const LANES = 10;
const FLIPS = 20;
const MANY_PODS = 5000;

const rest = (ms: number) => new Promise((done) => setTimeout(done, ms));

async function idle(site: Site): Promise<Figure[]> {
  const mark = site.auditMark();
  await rest(IDLE_SECONDS * 1000);
  const all = await site.requestsSince(mark);
  const share = (some: typeof all) => [(some.length * 60) / IDLE_SECONDS];
  return [
    { name: '(e) requests a minute when idle, both replicas', unit: '/min', values: share(all), aim: '≤ 15' },
    {
      name: '(e) of these, about the lease',
      unit: '/min',
      values: share(all.filter(({ resource }) => resource === 'leases')),
    },
  ];
}

async function manyUpgrades(site: Site): Promise<void> {
  const names = Array.from({ length: LANES }, (_, i) => `lane-${i}`);
  const upgrades = `/apis/postcheck.dev/v1alpha1/namespaces/${NAMESPACE}/upgrades`;
  await Promise.all(names.map((name) => site.createDeployment(name, 1)));
  await Promise.all(names.map((name) => site.rolledOut(name)));
  await Promise.all(
    names.map(async (name) => {
      const spec = {
        targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
        containers: [{ name: 'app', image: IMAGE('v1') }],
        postCheck: { periodSeconds: 1 },
      };
      await site.api.create(upgrades, {
        apiVersion: 'postcheck.dev/v1alpha1',
        kind: 'Upgrade',
        metadata: { name, namespace: NAMESPACE },
        spec,
      });
      for (let flip = 1; flip <= FLIPS; flip++) {
        await site.api.patch(site.upgrade(name), {
          spec: { containers: [{ name: 'app', image: IMAGE(flip % 2 ? 'v2' : 'v1') }] },
        });
        await until(
          async () => {
            const { metadata, status } = await site.api.get(site.upgrade(name));
            return status?.observedGeneration === metadata.generation && status.phase === 'Succeeded';
          },
          120_000,
          `${name}, flip ${flip}`,
        );
      }
    }),
  );
}

/** Pods that no node takes: they cost the watcher what running ones do. */
async function manyPods(site: Site): Promise<void> {
  await site.createDeployment('many', MANY_PODS, { nodeSelector: { 'postcheck.dev/nowhere': 'true' } });
  await until(
    async () => (await site.api.get(site.deployment('many'))).status.replicas === MANY_PODS,
    240_000,
    `${MANY_PODS} pods`,
  );
  await rest(15_000);
}

export async function benchFootprint(site: Site, say: (line: string) => void): Promise<Figure[]> {
  const pid = await site.operatorPid();
  say(`idle for ${IDLE_SECONDS} s`);
  const quiet = await idle(site);
  const before = site.rssMiB(pid);
  say(`${LANES * FLIPS} upgrades`);
  await manyUpgrades(site);
  await rest(10_000);
  const after = site.rssMiB(pid);
  say(`${MANY_PODS} pods`);
  await manyPods(site);
  const full = site.rssMiB(pid);
  return [
    ...quiet,
    { name: '(f) RSS, idle', unit: 'MiB', values: [before], aim: '≤ 100' },
    { name: `(f) RSS after ${LANES * FLIPS} upgrades`, unit: 'MiB', values: [after], aim: '≤ 110' },
    {
      name: `(f) RSS with ${MANY_PODS} pods watched, more than before`,
      unit: 'MiB',
      values: [full - after],
      aim: '≤ +25',
    },
  ];
}
