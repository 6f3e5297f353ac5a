/** What a story is made of: a workload, images that behave, an Upgrade, and what the user does on the way. */
import { Value } from 'typebox/value';
import { SpecSchema } from '../../src/api/schema-spec.ts';
import type { Phase, Upgrade, UpgradeSpec } from '../../src/api/types.ts';
import type { Verb } from '../../src/api/verbs.ts';
import type { WorkloadView } from '../../src/api/views.ts';
import type { ExecResult } from '../../src/engine/ports.ts';
import type { Behaviour } from './behaviour.ts';
import { NAMESPACE, type WorkloadSpec, type World, wholeSeconds } from './world.ts';

type Partly<T> = T extends readonly (infer U)[]
  ? readonly Partly<U>[]
  : T extends object
    ? { readonly [K in keyof T]?: Partly<T[K]> }
    : T;

/** Something the user, or a rival, does as soon as `when` holds; steps follow each other. */
export interface Step {
  readonly when: (world: World) => boolean;
  readonly act: (world: World) => void;
}

export interface Story {
  readonly name: string;
  readonly workload: WorkloadSpec;
  /** Behaviour by image; an image that is not named works. */
  readonly images: Readonly<Record<string, Behaviour>>;
  /** Over the defaults; `containers` says which images are wanted. */
  readonly spec: Partly<UpgradeSpec>;
  readonly steps?: readonly Step[];
  readonly nodes?: readonly string[];
  /** Before the operator starts. */
  readonly arrange?: (world: World) => void;
  readonly gatePolicyInstalled?: boolean;
  /** Virtual time from the operator's start to the end of the story. */
  readonly minutes?: number;
  /** Answers that pass besides exit 0. */
  readonly alsoPasses?: (result: ExecResult) => boolean;
  /** The story takes pods away itself, so the least number of serving pods says nothing about the operator. */
  readonly losesPods?: boolean;
}

/** The spec as the API server would store it, defaults filled in by the very schema. */
export function specOf({ workload, spec }: Pick<Story, 'workload' | 'spec'>): UpgradeSpec {
  const targetRef = { apiVersion: 'apps/v1', kind: workload.kind, name: workload.name };
  return Value.Default(SpecSchema, structuredClone({ targetRef, ...spec })) as UpgradeSpec;
}

export function addUpgrade(
  world: World,
  name: string,
  spec: UpgradeSpec,
  annotations: Readonly<Record<string, string>> = {},
  namespace = NAMESPACE,
): Upgrade {
  return world.state.put('Upgrade', {
    metadata: {
      namespace,
      name,
      uid: world.state.uid('upgrade'),
      resourceVersion: '',
      generation: 1,
      creationTimestamp: new Date(Math.floor(world.clock.now() / 1000) * 1000).toISOString(),
      annotations,
    },
    spec,
  });
}

// What users do.

export function changeSpec(world: World, change: Partial<UpgradeSpec>, name = 'web'): void {
  const upgrade = world.upgrade(name) as Upgrade;
  const metadata = { ...upgrade.metadata, generation: upgrade.metadata.generation + 1 };
  world.state.put('Upgrade', { ...upgrade, metadata, spec: { ...upgrade.spec, ...change } });
}

export const wantImage = (world: World, image: string): void =>
  changeSpec(world, { containers: [{ name: 'web', image }] });

export function annotate(world: World, verb: Verb, token: string, name = 'web'): void {
  const upgrade = world.upgrade(name) as Upgrade;
  const annotations = { ...upgrade.metadata.annotations, [`postcheck.dev/${verb}`]: token };
  world.state.put('Upgrade', { ...upgrade, metadata: { ...upgrade.metadata, annotations } });
}

/** With finalizers it stays until they are gone. */
export function deleteUpgrade(world: World, name = 'web'): void {
  const upgrade = world.upgrade(name) as Upgrade;
  const { metadata } = upgrade;
  if ((metadata.finalizers ?? []).length === 0) {
    world.state.remove('Upgrade', upgrade);
    return;
  }
  const deletionTimestamp = new Date(wholeSeconds(world.clock.now())).toISOString();
  const generation = metadata.generation + 1;
  world.state.put('Upgrade', { ...upgrade, metadata: { ...metadata, generation, deletionTimestamp } });
}

/** The story's one workload. */
export function target(world: World): WorkloadView {
  for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet'] as const) {
    const found = world.workload(kind, 'web');
    if (found) {
      return found;
    }
  }
  throw new Error('no workload');
}

export const scaleTo = (world: World, desired: number): WorkloadView =>
  world.changeSpec(target(world), { desired });

// When they do it.

export const phaseIs =
  (...phases: Phase[]) =>
  (world: World): boolean =>
    phases.some((phase) => phase === world.upgrade()?.status?.phase);

/** How often containers of an image have answered. */
export const asked = (world: World, image: string): number =>
  world.kubelet.asked.filter((entry) => entry.image === image).length;

/** So long after the step before, or after the operator's first start. */
export function afterSeconds(seconds: number): (world: World) => boolean {
  let since: { world: World; at: number } | undefined;
  return (world) => {
    if (since?.world !== world) {
      since = { world, at: world.clock.now() };
    }
    return world.clock.now() >= since.at + seconds * 1000;
  };
}
