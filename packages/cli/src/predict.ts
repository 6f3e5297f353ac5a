/** Predicts with the operator's decision code what a command will do in the current state of the cluster, or why it would do nothing. Pure. */
import { kubectl } from '../../../src/api/kubectl.ts';
import { isReason } from '../../../src/api/reasons.ts';
import type { Upgrade, UpgradeStatus } from '../../../src/api/types.ts';
import { ANNOTATIONS, hadNoEffect, type Verb } from '../../../src/api/verbs.ts';
import { decide } from '../../../src/core/decision/decide.ts';
import { effectiveSpec } from '../../../src/core/effective-spec.ts';
import { isAttempting, isFallingBack, isUnderWay } from '../../../src/core/status.ts';
import { waitsToStart } from '../../../src/core/wait.ts';
import { isLive } from '../../../src/core/workload/pods.ts';
import { Fault } from './fault.ts';
import { plural } from './looks.ts';
import { type Scene, snapshotOf } from './scene.ts';
import { nearest, plain } from './text.ts';
import { conditionOf, phaseOf } from './upgrade-state.ts';

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
    const starts = plan.state === 'Starting' ? `a new attempt starts automatically: ${message}` : message;
    return { nothing: beforeStart(verb, upgrade) ?? starts };
  }
  if (upgrade.status?.commands?.[verb]?.token === token) {
    return { nothing: `${token} was set already, with the result ${done.result}` };
  }
  if (hadNoEffect(done.result)) {
    return { nothing: whyNothing(verb, upgrade, done.result) };
  }
  const will = effectText(verb, scene, token, plan.status);
  const isHeld = upgrade.spec.paused === true && isUnderWay(plan.status);
  return { will: isHeld ? `${will}; paused until \`${resumeOf(upgrade)}\`` : will };
}

function effectText(verb: Verb, scene: Scene, token: string, after: UpgradeStatus): string {
  return verb === 'approve' || verb === 'promote'
    ? freedText(verb, scene.upgrade, token)
    : `${plain(after.message ?? '')}${isFallingBack(after) ? podsThatGoBack(scene) : ''}`;
}

/** How many pods are named. */
const MAX_PODS = 3;

/** The pods of the version that is rolled back. */
function podsThatGoBack({ pods, updateRevision }: Scene): string {
  const names = pods
    .filter((pod) => isLive(pod) && pod.revision === updateRevision)
    .map(({ name }) => name)
    .sort();
  const more = names.length - MAX_PODS;
  return names.length === 0
    ? ''
    : `; ${plural(names.length, 'pod')} of it now: ${names.slice(0, MAX_PODS).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** What the next attempt waits for, where the command does not shorten that; the message of the status says how to start it at once instead. */
function beforeStart(verb: Verb, { status, metadata }: Upgrade): string | undefined {
  const { waiting } = status ?? {};
  if (!waiting || verb === 'promote' || !waitsToStart(status)) {
    return undefined;
  }
  const what = isReason(waiting.reason, 'WindowClosed') ? 'its window: ' : '';
  const prevent =
    verb === 'abort'
      ? `; to keep it from starting: \`${kubectl(metadata.namespace, 'postcheck', 'pause', metadata.name)}\``
      : '';
  return `attempt ${(status?.attempt?.number ?? 0) + 1} has not started; it waits for ${what}${plain(waiting.detail ?? waiting.reason)}${prevent}`;
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
  kubectl(namespace, 'postcheck', 'resume', name);

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
  const waits = beforeStart(verb, upgrade);
  if (waits !== undefined) {
    return waits;
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
    : `; to approve ${stage}: \`${kubectl(namespace, 'postcheck', 'approve', name, stage)}\``;
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
