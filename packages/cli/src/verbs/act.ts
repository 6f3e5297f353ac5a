/**
 * `retry`, `abort`, `approve`, `promote`, `pause` and `resume`. The operator's decision code predicts what will happen in the current state of the
 * cluster; if nothing would happen, nothing is written.
 */
import { isReason } from '../../../../src/api/reasons.ts';
import type { Upgrade } from '../../../../src/api/types.ts';
import { ANNOTATIONS, hadNoEffect, type Verb } from '../../../../src/api/verbs.ts';
import { decide } from '../../../../src/core/decision/decide.ts';
import { effectiveSpec } from '../../../../src/core/effective-spec.ts';
import { imagesText } from '../../../../src/core/report/image-text.ts';
import { isAttempting, isFallingBack, isUnderWay } from '../../../../src/core/status.ts';
import { waitsToStart } from '../../../../src/core/wait.ts';
import { decodeUpgrade } from '../../../../src/kube/objects/decode-upgrade.ts';
import type { Cluster } from '../cluster.ts';
import { Conflict, Fault } from '../fault.ts';
import type { Io } from '../io.ts';
import { gitOwner } from '../managers.ts';
import { gather, type Scene, snapshotOf } from '../scene.ts';
import { duration, nearest, plain } from '../text.ts';
import { conditionOf, phaseOf } from '../upgrade-state.ts';
import { type Found, findUpgrade, upgradeTarget } from '../upgrades.ts';
import { waitUntilDecided } from './status.ts';

export interface ActOptions {
  readonly wait?: boolean;
  readonly timeout?: string;
  readonly dryRun?: boolean;
}

/** What the command will do, or why it would do nothing. */
export type Prediction = { readonly will: string } | { readonly nothing: string };

/** Evaluates with the operator's decision code what the token would do now. */
export function predict(verb: Verb, scene: Scene, token: string, now: number): Prediction {
  const { upgrade } = scene;
  const blocked =
    claimedText(upgrade) ?? beforeFirstAttempt(verb, upgrade) ?? needlessApproval(verb, upgrade, token);
  if (blocked !== undefined) {
    return { nothing: blocked };
  }
  const annotations = { ...upgrade.metadata.annotations, [ANNOTATIONS[verb]]: token };
  const commanded = { ...upgrade, metadata: { ...upgrade.metadata, annotations } };
  const plan = decide(snapshotOf({ ...scene, upgrade: commanded }, now));
  const done = plan.status.commands?.[verb];
  const message = plain(plan.status.message ?? '');
  if (done?.token !== token) {
    return {
      nothing: plan.state === 'Starting' ? `a new attempt starts automatically: ${message}` : message,
    };
  }
  if (upgrade.status?.commands?.[verb]?.token === token) {
    return { nothing: `${token} was set already, with the result ${done.result}` };
  }
  if (hadNoEffect(done.result)) {
    return { nothing: whyNothing(verb, upgrade, done.result) };
  }
  const will = verb === 'approve' || verb === 'promote' ? freedText(verb, upgrade, token) : message;
  const isHeld = upgrade.spec.paused === true && isUnderWay(plan.status);
  return { will: isHeld ? `${will}; paused until \`${resumeOf(upgrade)}\`` : will };
}

/** Describes the effect of an approval or a promotion. The message of the status is still about the wait that it ends. */
function freedText(verb: 'approve' | 'promote', { status }: Upgrade, token: string): string {
  if (verb === 'promote') {
    return `attempt ${token} is promoted: it skips the waits of its remaining stages, but no check`;
  }
  const [number, name] = token.split('/');
  const inAdvance = status?.stages?.find((stage) => stage.name === name)?.state !== 'AwaitingApproval';
  return `stage ${name} of attempt ${number} is approved${inAdvance ? ' in advance: it will not wait for approval' : ''}`;
}

const resumeOf = ({ metadata: { name, namespace } }: Upgrade): string =>
  `kubectl postcheck resume ${name} -n ${namespace}`;

/** Returns the operator's message that another Upgrade acts on the target, in which case a command has no effect. */
function claimedText(upgrade: Upgrade): string | undefined {
  const stalled = conditionOf(upgrade, 'Stalled');
  return stalled?.status === 'True' && isReason(stalled.reason, 'TargetClaimed')
    ? plain(stalled.message)
    : undefined;
}

/** Returns why a command has no effect before the first attempt: only its wait for a window can be skipped. */
function beforeFirstAttempt(verb: Verb, upgrade: Upgrade): string | undefined {
  const { spec, status } = upgrade;
  if (status?.attempt || (verb === 'promote' && waitsToStart(status))) {
    return undefined;
  }
  const held = spec.paused ? `; to start the first one: \`${resumeOf(upgrade)}\`` : '';
  const message = status?.message ? `: ${plain(status.message)}` : '';
  return `no attempt has been recorded yet${held || message}`;
}

/** The stages that wait for approval, now or later. */
function stagesToApprove({ spec, status }: Upgrade): string[] {
  const open = (status?.stages ?? []).filter(({ state, approvedAt }) => state !== 'Done' && !approvedAt);
  const manual = effectiveSpec(spec).stages.filter(({ needsApproval }) => needsApproval);
  return open.map(({ name }) => name).filter((name) => manual.some((stage) => stage.name === name));
}

const stagesText = ({ status }: Upgrade): string =>
  (status?.stages ?? []).map(({ name, state }) => `${name} (${state})`).join(', ');

/** `; to approve canary: …` */
function approvalHint(upgrade: Upgrade): string {
  const { name, namespace } = upgrade.metadata;
  const [stage] = stagesToApprove(upgrade);
  return stage === undefined
    ? '; no further stage needs approval'
    : `; to approve ${stage}: \`kubectl postcheck approve ${name} ${stage} -n ${namespace}\``;
}

/** Returns why the approval of this stage would change nothing, although the operator would record it or say no more than that. */
function needlessApproval(verb: Verb, upgrade: Upgrade, token: string): string | undefined {
  const { status, spec } = upgrade;
  const stages = status?.stages ?? [];
  if (verb !== 'approve' || !isAttempting(status) || stages.length === 0) {
    return undefined;
  }
  const name = token.slice(token.indexOf('/') + 1);
  const stage = stages.find((one) => one.name === name);
  if (!stage) {
    const meant = nearest(
      name,
      stages.map((one) => one.name),
    );
    return `there is no stage ${plain(name)}${meant ? `; did you mean ${meant}?` : ''}; the stages of attempt ${status?.attempt?.number}: ${stagesText(upgrade)}`;
  }
  if (stage.state === 'Done') {
    return `stage ${name} is done${approvalHint(upgrade)}`;
  }
  if (stage.approvedAt) {
    return `stage ${name} is approved already${approvalHint(upgrade)}`;
  }
  const isManual = effectiveSpec(spec).stages.some((one) => one.name === name && one.needsApproval);
  return isManual || stage.state === 'AwaitingApproval'
    ? undefined
    : `stage ${name} needs no approval: its approval is Auto${approvalHint(upgrade)}`;
}

function whyNothing(verb: Verb, upgrade: Upgrade, result: string): string {
  const { status } = upgrade;
  const number = status?.attempt?.number;
  if (isFallingBack(status)) {
    return `attempt ${number} is falling back${verb === 'retry' ? '; retry when that has ended' : ' already'}`;
  }
  if (verb === 'retry') {
    return upgrade.spec.paused
      ? `attempt ${number} is paused; to continue it: \`${resumeOf(upgrade)}\``
      : `attempt ${number} is still running; abort it first`;
  }
  if (!isAttempting(status)) {
    return `attempt ${number} has ended (${phaseOf(upgrade)})${verb === 'abort' ? ', and there is nothing to roll back' : ''}`;
  }
  const stages = stagesText(upgrade);
  return stages === ''
    ? `attempt ${number} has no stages`
    : `${result}; the stages of attempt ${number}: ${stages}`;
}

/** Returns the value of the annotation: a time for commands that can be repeated, otherwise what the command applies to. */
export function tokenFor(verb: Verb, upgrade: Upgrade, stage: string | undefined, now: number): string {
  const { status } = upgrade;
  const number = status?.attempt?.number ?? 0;
  if (verb === 'promote') {
    return String(waitsToStart(status) ? number + 1 : number);
  }
  if (verb !== 'approve') {
    return new Date(now).toISOString();
  }
  return `${number}/${stage ?? waitingStage(upgrade)}`;
}

/** Returns the stage that waits for approval now. Any other is approved only by name: otherwise a second `approve` would also approve the next stage. */
function waitingStage(upgrade: Upgrade): string {
  const { status } = upgrade;
  const open = isAttempting(status) ? (status?.stages ?? []).filter(({ state }) => state !== 'Done') : [];
  const waiting = open.find(({ state }) => state === 'AwaitingApproval');
  if (open.length > 0 && !waiting) {
    const states = open.map(({ name, state }) => `${name} (${state})`).join(', ');
    throw new Fault(`nothing to approve: no stage waits for approval now: ${states}${approvalHint(upgrade)}`);
  }
  return waiting?.name ?? '';
}

export async function command(
  io: Io,
  cluster: Cluster,
  verb: Verb,
  [name = '', stage]: readonly string[],
  options: ActOptions,
): Promise<number> {
  const found = await findUpgrade(cluster, name);
  const token = tokenFor(verb, found.upgrade, stage, io.now());
  const scene = await gather(cluster, found);
  const prediction = predict(verb, scene, token, io.now());
  // If the workload could not be read, the effect is unknown; if it does not exist, it is known.
  if ('nothing' in prediction && (scene.workload || scene.isGone)) {
    throw new Fault(`nothing to ${verb}: ${prediction.nothing}`);
  }
  io.out(
    'will' in prediction
      ? prediction.will
      : `${verb} of Upgrade ${name}; its effect is unknown: ${scene.missing.join('; ')}`,
  );
  return await patched(io, cluster, found, options, () => ({
    metadata: { annotations: { [ANNOTATIONS[verb]]: token } },
  }));
}

/** `pause` sets `spec.paused` to true, `resume` to false. */
export async function setPaused(
  io: Io,
  cluster: Cluster,
  paused: boolean,
  name: string,
  options: ActOptions,
): Promise<number> {
  const found = await findUpgrade(cluster, name);
  const { spec, status } = found.upgrade;
  if (spec.paused === paused) {
    throw new Fault(
      paused ? 'nothing to pause: spec.paused is true already' : 'nothing to resume: spec.paused is not set',
    );
  }
  const running = isUnderWay(status);
  io.out(paused ? pausing(found.upgrade, running) : resuming(found.upgrade, running));
  const owner = gitOwner(found.raw, 'f:paused');
  if (owner) {
    io.note(`warning: ${owner} owns spec.paused and may revert it; change it in Git too`);
  }
  return await patched(io, cluster, found, options, ({ metadata: { resourceVersion } }) => ({
    metadata: { resourceVersion },
    spec: { paused },
  }));
}

export function pausing({ status }: Upgrade, running: boolean): string {
  return running
    ? `Attempt ${status?.attempt?.number} is paused: no image is written, no gate is opened, no deadline runs; checks continue`
    : 'No attempt is running: the next one waits until `resume`';
}

export function resuming({ status, spec }: Upgrade, running: boolean): string {
  return running
    ? `Attempt ${status?.attempt?.number} continues; each pod has its full deadline again`
    : `An attempt may start: ${imagesText(Object.fromEntries(spec.containers.map((c) => [c.name, c.image])), spec)}`;
}

/** The operator writes the status meanwhile, which does not change what is wanted. */
const MAX_CONFLICTS = 5;

/** Patches the Upgrade; after a conflict, with a patch for its current state. */
async function patchWithRetries(
  cluster: Cluster,
  upgrade: Upgrade,
  bodyFor: (current: Upgrade) => unknown,
  query: Readonly<Record<string, string>>,
): Promise<Upgrade> {
  const target = upgradeTarget(upgrade);
  let current = upgrade;
  for (let conflicts = 0; ; conflicts++) {
    try {
      return decodeUpgrade(await cluster.patch(target, bodyFor(current), query));
    } catch (error) {
      if (!(error instanceof Conflict) || conflicts === MAX_CONFLICTS) {
        throw error;
      }
      current = decodeUpgrade(await cluster.read(target));
    }
  }
}

/** Patches the Upgrade, unless it is a dry run, and waits for the outcome with `--wait`. */
export async function patched(
  io: Io,
  cluster: Cluster,
  { upgrade }: Found,
  options: ActOptions,
  bodyFor: (current: Upgrade) => unknown,
): Promise<number> {
  const timeoutMs = duration('--timeout', options.timeout ?? '0');
  const query: Record<string, string> = options.dryRun ? { dryRun: 'All' } : {};
  const after = await patchWithRetries(cluster, upgrade, bodyFor, query);
  const { name } = upgrade.metadata;
  io.out(`upgrade.postcheck.dev/${name} patched${options.dryRun ? ' (server dry run)' : ''}`);
  if (options.dryRun || !options.wait) {
    return 0;
  }
  return await waitUntilDecided(io, cluster, after, { timeoutMs });
}
