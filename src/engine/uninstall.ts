/**
 * Uninstalls the operator without leaving a gate or finalizer that only it could remove. The order makes it safe: first no new pod gets a gate,
 * then the operator stops, then every closed gate is opened. It is safe to run it again after any failure.
 * An object that cannot be written, as somebody may have made it, keeps no other from being released.
 */
import { holdsFinalizer, isClosed } from '../api/gate.ts';
import { FALLBACK_FINALIZER } from '../api/names.ts';
import type { Upgrade } from '../api/types.ts';
import type { PodView } from '../api/views.ts';
import { openedGateText } from '../core/report/gate-text.ts';
import { userPartition } from '../core/rollout/partition.ts';
import { driverOf } from '../core/workload/drivers.ts';
import type { Installation, Ports, RequestFailure, Written } from './ports.ts';

export interface UninstallOptions extends Pick<Ports, 'clock' | 'writer'> {
  readonly installation: Installation;
  /** Called after each step. */
  readonly report: (line: string) => void;
}

/** API servers reload policies once a second (kube-apiserver's policyRefreshInterval), and gate new pods until then. */
const POLICY_RELOAD_MS = 3000;
/** The operator drains within 10 s; a slow node gets four times that. */
const STOP_TIMEOUT_MS = 40_000;
const POLL_INTERVAL_MS = 500;

/** How many problems are named. */
const MOST_NAMED = 10;

/** Returns the problems if it failed. */
export async function uninstall(options: UninstallOptions): Promise<readonly string[]> {
  const problem = await unbindGate(options);
  if (problem) {
    return [problem];
  }
  const [running] = await Promise.all([stopOperator(options), sleep(options.clock, POLICY_RELOAD_MS)]);
  const remaining = running ?? (await removeCertificates(options));
  if (remaining) {
    return [remaining];
  }
  const problems = [...(await releaseUpgrades(options)), ...(await openGates(options))];
  const more = problems.length - MOST_NAMED;
  return more > 0 ? [...problems.slice(0, MOST_NAMED), `and ${more} more`] : problems;
}

async function unbindGate({ installation, report }: UninstallOptions): Promise<string | undefined> {
  const unbound = await installation.unbindGate();
  if (!unbound.ok) {
    return `cannot remove the gate's policy binding or webhook: ${unbound.failure.message}`;
  }
  report(
    unbound.object
      ? `removed policy binding or webhook ${installation.gatePolicyName}: new pods get no gate`
      : 'neither gate policy nor gate webhook is installed',
  );
  return undefined;
}

async function stopOperator({ clock, installation, report }: UninstallOptions): Promise<string | undefined> {
  const scaled = await installation.scaleDown();
  if (!scaled.ok) {
    return `cannot scale the operator down: ${scaled.failure.message}`;
  }
  if (!scaled.object) {
    return undefined;
  }
  const until = clock.steady() + STOP_TIMEOUT_MS;
  while (clock.steady() < until) {
    if ((await installation.isRunning()) === false) {
      report(`stopped the operator (Deployment ${installation.deployment})`);
      return undefined;
    }
    await sleep(clock, POLL_INTERVAL_MS);
  }
  return `the operator's pods did not end within ${STOP_TIMEOUT_MS / 1000} s`;
}

/** Only after the operator has stopped: a running replica creates a missing Secret again. */
async function removeCertificates({ installation, report }: UninstallOptions): Promise<string | undefined> {
  const removed = await installation.removeCertificates();
  if (!removed.ok) {
    return `cannot delete the webhook's certificates: ${removed.failure.message}`;
  }
  if (removed.object) {
    report("deleted the webhook's certificates");
  }
  return undefined;
}

/** Restores what attempts changed in their workloads, while the status that records it still exists. Returns the problems by Upgrade. */
async function restorePartitions(
  options: UninstallOptions,
  upgrades: readonly Upgrade[],
): Promise<ReadonlyMap<Upgrade, string>> {
  const held = upgrades.filter(({ status }) => status?.attempt?.held);
  const problems = new Map<Upgrade, string>();
  for (const upgrade of held) {
    const problem = await restorePartition(options, upgrade);
    if (problem) {
      const { namespace } = upgrade.metadata;
      problems.set(
        upgrade,
        `cannot restore the partition of StatefulSet ${namespace}/${upgrade.spec.targetRef.name}: ${problem}`,
      );
    }
  }
  if (held.length > problems.size) {
    options.report(`restored the partition of ${counted(held.length - problems.size, 'StatefulSet')}`);
  }
  return problems;
}

/** During a rollout the controller keeps writing the status of its StatefulSet, and users their Upgrades, so conflicts are common. */
const MAX_TRIES = 10;

async function restorePartition(
  { installation, writer }: UninstallOptions,
  { metadata: { namespace }, spec, status }: Upgrade,
): Promise<string | undefined> {
  let problem: string | undefined;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const read = await installation.statefulSet(namespace, spec.targetRef.name);
    if (!read.ok) {
      return problemOf(read);
    }
    const partition = userPartition(read.object, status?.attempt ?? {});
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

/**
 * Without the operator nobody removes the finalizer, and the deletion of an Upgrade or of its namespace would never end. It stays on an Upgrade that
 * still records what has to be restored.
 */
async function releaseUpgrades(options: UninstallOptions): Promise<string[]> {
  const listed = await options.installation.listUpgrades();
  if (!listed.ok) {
    return [`cannot list Upgrades: ${listed.failure.message}`];
  }
  const unrestored = await restorePartitions(options, listed.object);
  const others = listed.object.filter((upgrade) => !unrestored.has(upgrade));
  return [...unrestored.values(), ...(await removeFinalizers(options, others))];
}

/** Users and GitOps tools may write their Upgrades meanwhile: those that met such a write are read again. */
async function removeFinalizers(options: UninstallOptions, upgrades: readonly Upgrade[]): Promise<string[]> {
  const problems: string[] = [];
  let held = upgrades.filter(holdsFinalizer);
  let removed = 0;
  for (let tries = 1; held.length > 0; tries++) {
    const failed = await removeOnce(options, held);
    const met = failed.filter(({ kind }) => kind === 'conflict' && tries < MAX_TRIES);
    problems.push(...failed.filter((one) => !met.includes(one)).map(({ problem }) => problem));
    removed += held.length - failed.length;
    const listed = met.length > 0 ? await options.installation.listUpgrades() : NONE_LEFT;
    if (!listed.ok) {
      return [...problems, `cannot list Upgrades: ${listed.failure.message}`];
    }
    const uids = new Set(met.map(({ uid }) => uid));
    held = listed.object.filter((upgrade) => uids.has(upgrade.metadata.uid) && holdsFinalizer(upgrade));
  }
  options.report(`removed the finalizer from ${counted(removed, 'Upgrade')}`);
  return problems;
}

const NONE_LEFT: Written<readonly Upgrade[]> = { ok: true, object: [] };

interface FailedRemoval extends Pick<RequestFailure, 'kind'> {
  readonly uid: string;
  readonly problem: string;
}

async function removeOnce(
  { writer }: UninstallOptions,
  upgrades: readonly Upgrade[],
): Promise<FailedRemoval[]> {
  const failed: FailedRemoval[] = [];
  for (const upgrade of upgrades) {
    const written = await writer.patchFinalizers(upgrade, withoutOurs(upgrade));
    if (!written.ok && written.failure.kind !== 'notFound') {
      const { namespace, name, uid } = upgrade.metadata;
      const { kind, message } = written.failure;
      const problem = `cannot remove the finalizer from Upgrade ${namespace}/${name}: ${message}`;
      failed.push({ uid, kind, problem });
    }
  }
  return failed;
}

const withoutOurs = ({ metadata }: Upgrade): string[] =>
  (metadata.finalizers ?? []).filter((finalizer) => finalizer !== FALLBACK_FINALIZER);

/** `1 Upgrade`, `2 Upgrades`. */
const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

async function openGates(options: UninstallOptions): Promise<string[]> {
  const listed = await options.installation.listPods();
  if (!listed.ok) {
    return [`cannot list pods: ${listed.failure.message}`];
  }
  const closed = listed.object.filter(isClosed);
  const problems: string[] = [];
  for (const pod of closed) {
    const problem = await openGate(options, pod);
    if (problem) {
      problems.push(`cannot open the gate of pod ${pod.namespace}/${pod.name}: ${problem}`);
    }
  }
  options.report(`opened ${counted(closed.length - problems.length, 'closed gate')}`);
  return problems;
}

const openGate = async ({ clock, writer }: UninstallOptions, pod: PodView): Promise<string | undefined> =>
  problemOf(
    await writer.patchVerified(
      pod,
      { status: 'True', reason: 'Uninstalled', message: openedGateText('Uninstalled') },
      clock.now(),
    ),
  );

/** An object that was deleted meanwhile needs no write. */
const problemOf = (written: Written<unknown>): string | undefined =>
  written.ok || written.failure.kind === 'notFound' ? undefined : written.failure.message;

const sleep = (clock: Pick<Ports['clock'], 'after'>, ms: number): Promise<void> =>
  new Promise((resolve) => void clock.after(ms, resolve));
