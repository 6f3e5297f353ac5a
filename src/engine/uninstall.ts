/**
 * Taking the operator away, with nothing left behind that only it could open. The order is what makes it safe: no new gates, then nobody who
 * closes any, then every closed gate is opened. Running it again after any failure is safe.
 */
import { holdsFinalizer, isClosed } from '../api/gate.ts';
import { FALLBACK_FINALIZER } from '../api/names.ts';
import type { Upgrade } from '../api/types.ts';
import type { PodView } from '../api/views.ts';
import { openedGateText } from '../core/report/gate-text.ts';
import { usersPartition } from '../core/rollout/partition.ts';
import { driverOf } from '../core/workload/drivers.ts';
import type { Installation, Ports, Written } from './ports.ts';

export interface UninstallOptions extends Pick<Ports, 'clock' | 'writer'> {
  readonly installation: Installation;
  /** Hears of each step that is done. */
  readonly say: (line: string) => void;
}

/** API servers look for changed policies once a second (kube-apiserver's policyRefreshInterval), and go on gating new pods until then. */
const POLICY_FORGOTTEN_MS = 3000;
/** The operator drains within 10 s; a node that is slow to stop it gets four times that. */
const STOP_WITHIN_MS = 40_000;
const LOOK_EVERY_MS = 500;

/** Returns a sentence when it could not. */
export async function uninstall(options: UninstallOptions): Promise<string | undefined> {
  const bound = await unbind(options);
  if (bound) {
    return bound;
  }
  const [running] = await Promise.all([stopOperator(options), sleep(options.clock, POLICY_FORGOTTEN_MS)]);
  return (
    running ?? (await removeCertificates(options)) ?? (await letUpgradesGo(options)) ?? openGates(options)
  );
}

async function unbind({ installation, say }: UninstallOptions): Promise<string | undefined> {
  const unbound = await installation.unbindGate();
  if (!unbound.ok) {
    return `cannot remove the gate's policy binding or webhook: ${unbound.failure.message}`;
  }
  say(
    unbound.object
      ? `removed policy binding or webhook ${installation.gatePolicyName}: new pods get no gate`
      : 'neither gate policy nor gate webhook is installed',
  );
  return undefined;
}

async function stopOperator({ clock, installation, say }: UninstallOptions): Promise<string | undefined> {
  const scaled = await installation.scaleDown();
  if (!scaled.ok) {
    return `cannot scale the operator down: ${scaled.failure.message}`;
  }
  if (!scaled.object) {
    return undefined;
  }
  const until = clock.steady() + STOP_WITHIN_MS;
  while (clock.steady() < until) {
    if ((await installation.isRunning()) === false) {
      say(`stopped the operator (Deployment ${installation.deployment})`);
      return undefined;
    }
    await sleep(clock, LOOK_EVERY_MS);
  }
  return `the operator's pods did not end within ${STOP_WITHIN_MS / 1000} s`;
}

/** Only now: a replica that runs takes a missing Secret for one that it has to make. */
async function removeCertificates({ installation, say }: UninstallOptions): Promise<string | undefined> {
  const removed = await installation.removeCertificates();
  if (!removed.ok) {
    return `cannot delete the webhook's certificates: ${removed.failure.message}`;
  }
  if (removed.object) {
    say("deleted the webhook's certificates");
  }
  return undefined;
}

/** What attempts moved in their workloads stands again as it was, before the record of it may go. */
async function putBack(options: UninstallOptions, upgrades: readonly Upgrade[]): Promise<string | undefined> {
  const moved = upgrades.filter(({ status }) => status?.attempt?.held);
  for (const upgrade of moved) {
    const problem = await putPartitionBack(options, upgrade);
    if (problem) {
      const { namespace } = upgrade.metadata;
      return `cannot put the partition of StatefulSet ${namespace}/${upgrade.spec.targetRef.name} back: ${problem}`;
    }
  }
  if (moved.length > 0) {
    options.say(`put the partitions of ${moved.length} StatefulSets back`);
  }
  return undefined;
}

/** Its controller writes the status of the StatefulSet all the time while it rolls. */
const TRIES = 10;

async function putPartitionBack(
  { installation, writer }: UninstallOptions,
  { metadata: { namespace }, spec, status }: Upgrade,
): Promise<string | undefined> {
  let problem: string | undefined;
  for (let tries = 0; tries < TRIES; tries++) {
    const read = await installation.statefulSet(namespace, spec.targetRef.name);
    if (!read.ok) {
      return problemOf(read);
    }
    const partition = usersPartition(read.object, status?.attempt ?? {});
    if (read.object.uid !== status?.targetUID || partition === undefined) {
      return undefined;
    }
    if (driverOf(read.object).partition(read.object) === partition && !read.object.holdsOurFields) {
      return undefined;
    }
    const written = await writer.patchImages(read.object, {}, partition);
    const released = written.ok ? await writer.releaseFields(written.object) : written;
    problem = problemOf(released);
    if (released.ok || released.failure.kind !== 'conflict') {
      return problem;
    }
  }
  return problem;
}

/** Without the operator nobody would take the finalizer off: a deletion, and that of the namespace, would hang for ever. */
async function letUpgradesGo(options: UninstallOptions): Promise<string | undefined> {
  const { installation, writer, say } = options;
  const listed = await installation.listUpgrades();
  if (!listed.ok) {
    return `cannot list Upgrades: ${listed.failure.message}`;
  }
  const problem = await putBack(options, listed.object);
  if (problem) {
    return problem;
  }
  const held = listed.object.filter(holdsFinalizer);
  for (const upgrade of held) {
    const problem = problemOf(await writer.patchFinalizers(upgrade, withoutOurs(upgrade)));
    if (problem) {
      const { namespace, name } = upgrade.metadata;
      return `cannot take the finalizer off Upgrade ${namespace}/${name}: ${problem}`;
    }
  }
  say(`took the finalizer off ${held.length} Upgrades`);
  return undefined;
}

const withoutOurs = ({ metadata }: Upgrade): string[] =>
  (metadata.finalizers ?? []).filter((finalizer) => finalizer !== FALLBACK_FINALIZER);

async function openGates(options: UninstallOptions): Promise<string | undefined> {
  const listed = await options.installation.listPods();
  if (!listed.ok) {
    return `cannot list pods: ${listed.failure.message}`;
  }
  const closed = listed.object.filter(isClosed);
  for (const pod of closed) {
    const problem = await openGate(options, pod);
    if (problem) {
      return `cannot open the gate of pod ${pod.namespace}/${pod.name}: ${problem}`;
    }
  }
  options.say(`opened ${closed.length} closed gates`);
  return undefined;
}

const openGate = async ({ clock, writer }: UninstallOptions, pod: PodView): Promise<string | undefined> =>
  problemOf(
    await writer.patchVerified(
      pod,
      { status: 'True', reason: 'Uninstalled', message: openedGateText('Uninstalled') },
      clock.now(),
    ),
  );

/** What is gone meanwhile needs nothing any more. */
const problemOf = (written: Written<unknown>): string | undefined =>
  written.ok || written.failure.kind === 'notFound' ? undefined : written.failure.message;

const sleep = (clock: Pick<Ports['clock'], 'after'>, ms: number): Promise<void> =>
  new Promise((resolve) => void clock.after(ms, resolve));
