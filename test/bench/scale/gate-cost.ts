/** (e) What the gate policy costs the API server: it looks at each Upgrade of a namespace for each pod that is created there. */
import type { Part } from '../harness.ts';
import type { FigureSpec } from '../measure.ts';
import { type Fleet, inParallel } from './fleet.ts';

const UPGRADES = [0, 30, 100, 400] as const;
type Kind = `cpu ${(typeof UPGRADES)[number]}`;
const PODS = 400;
const LIMIT_MS = 5 * 60_000;

const FIGURES = Object.fromEntries(
  UPGRADES.map((count) => [
    `cpu ${count}`,
    {
      name: `(e) a pod is created in a namespace with ${count} Upgrades at rest: CPU of the API server`,
      unit: 'ms',
    },
  ]),
) as Record<Kind, FigureSpec>;

export function gateCostPart(fleet: () => Fleet): Part<Kind> {
  return {
    name: 'cost of the gate policy',
    figures: FIGURES,
    needs: [],
    limitMs: LIMIT_MS,
    measure: async (sheet) => {
      // Nobody else asks the API server for anything meanwhile.
      fleet().stopControllers();
      for (const count of UPGRADES) {
        const namespace = `gate-cost-${count}`;
        await fleet().bareNamespace(namespace);
        await createUpgrades(fleet(), namespace, count);
        const cpu = await fleet().cpuOfApiServer(() => createPods(fleet(), namespace));
        sheet.note(`cpu ${count}`, (cpu * 1000) / PODS);
      }
    },
    clear: async () => {},
  };
}

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

const createUpgrades = (fleet: Fleet, namespace: string, count: number): Promise<void> =>
  inParallel(numbers(count), (index) =>
    fleet.rest.create(`/apis/postcheck.dev/v1alpha1/namespaces/${namespace}/upgrades`, {
      apiVersion: 'postcheck.dev/v1alpha1',
      kind: 'Upgrade',
      metadata: { name: `web-${index}` },
      spec: {
        targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: `web-${index}` },
        containers: [{ name: 'web', image: 'scale.local/app:v2' }],
      },
    }),
  );

const createPods = (fleet: Fleet, namespace: string): Promise<void> =>
  inParallel(numbers(PODS), (index) =>
    fleet.rest.create(`/api/v1/namespaces/${namespace}/pods`, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `pod-${index}` },
      spec: { nodeName: 'elsewhere', containers: [{ name: 'web', image: 'scale.local/app:v1' }] },
    }),
  );
