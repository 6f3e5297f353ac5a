/** (e) requests a minute when nothing happens, (f) memory: idle, after 200 upgrades, and with 5,000 pods watched. */
import { setTimeout as rest } from 'node:timers/promises';
import type { Part } from './harness.ts';
import type { Sheet } from './measure.ts';
import { IMAGE, type Site } from './site.ts';

const IDLE_SECONDS = 120;
const LANES = 10;
const FLIPS = 20;
const MANY_PODS = 5000;

const FIGURES = {
  requests: { name: '(e) requests a minute when idle, both replicas', unit: '/min', aim: '≤ 15' },
  lease: { name: '(e) of these, about the lease', unit: '/min' },
  idle: { name: '(f) RSS, idle', unit: 'MiB', aim: '≤ 100' },
  used: { name: `(f) RSS after ${LANES * FLIPS} upgrades`, unit: 'MiB', aim: '≤ 110' },
  watching: { name: `(f) RSS with ${MANY_PODS} pods watched, more than before`, unit: 'MiB', aim: '≤ +25' },
} as const;
type Name = keyof typeof FIGURES;

async function idle(site: Site, sheet: Sheet<Name>): Promise<void> {
  const mark = site.auditMark();
  await rest(IDLE_SECONDS * 1000);
  const all = await site.requestsSince(mark);
  const share = (some: typeof all) => (some.length * 60) / IDLE_SECONDS;
  sheet.note('requests', share(all));
  sheet.note('lease', share(all.filter(({ resource }) => resource === 'leases')));
}

async function manyUpgrades(site: Site): Promise<void> {
  const names = Array.from({ length: LANES }, (_, i) => `lane-${i}`);
  await Promise.all(names.map((name) => site.createDeployment(name, 1)));
  await Promise.all(names.map((name) => site.rolledOut(name)));
  await Promise.all(
    names.map(async (name) => {
      const spec = {
        targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
        containers: [{ name: 'app', image: IMAGE('v1') }],
        postCheck: { periodSeconds: 1 },
      };
      await site.api.create(site.all('postcheck.dev/v1alpha1', 'upgrades'), {
        apiVersion: 'postcheck.dev/v1alpha1',
        kind: 'Upgrade',
        metadata: { name, namespace: site.namespace },
        spec,
      });
      for (let flip = 1; flip <= FLIPS; flip++) {
        await site.api.patch(site.upgrade(name), {
          spec: { containers: [{ name: 'app', image: IMAGE(flip % 2 ? 'v2' : 'v1') }] },
        });
        await site.until(
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
  await site.until(
    async () => (await site.api.get(site.deployment('many'))).status.replicas === MANY_PODS,
    240_000,
    `${MANY_PODS} pods`,
  );
  await rest(15_000);
}

export function footprintPart(site: Site, _rounds: number, say: (line: string) => void): Part<Name> {
  return {
    name: 'footprint',
    figures: FIGURES,
    needs: [],
    limitMs: 20 * 60_000,
    clear: (signal) => site.clear(signal),
    measure: async (sheet, signal) => {
      await site.prepare(signal);
      const pid = await site.operatorPid();
      say(`idle for ${IDLE_SECONDS} s`);
      await idle(site, sheet);
      sheet.note('idle', site.rssMiB(pid));
      say(`${LANES * FLIPS} upgrades`);
      await manyUpgrades(site);
      await rest(10_000);
      const used = site.rssMiB(pid);
      sheet.note('used', used);
      say(`${MANY_PODS} pods`);
      await manyPods(site);
      sheet.note('watching', site.rssMiB(pid) - used);
    },
  };
}
