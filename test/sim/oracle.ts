/** What must hold after every single event, whatever goes wrong. Each broken rule is kept as a sentence. */

import { Compile } from 'typebox/compile';
import { effectiveChecks } from '../../src/api/checks.ts';
import { VERIFIED } from '../../src/api/names.ts';
import { own } from '../../src/api/own.ts';
import { StatusSchema } from '../../src/api/schema-status.ts';
import type { Upgrade, UpgradeStatus } from '../../src/api/types.ts';
import type { PodView, WorkloadView } from '../../src/api/views.ts';
import { runsImages } from '../../src/core/images.ts';
import { isLive, isReady, revisionsOf } from './controllers.ts';
import { FleetOracle } from './fleet-oracle.ts';
import type { WriteRecord } from './operator.ts';
import { keyOf } from './state.ts';
import type { Story } from './story.ts';
import type { World } from './world.ts';

const schema = Compile(StatusSchema);
const CONDITIONS = ['FallenBack', 'Gated', 'Ready', 'Reconciling', 'Stalled', 'Verified'];
/** A container may have ended this long before a verdict on it arrives: our watch, and the write, take that long. */
const STALE_MS = 200;
/** Three pods need about 15 writes for everything that can happen to them; with a few retries it is never more than this. */
const RATE_WINDOW_MS = 10_000;
const MOST_WRITES = 60;
/** For one Upgrade, in one second, of writes that say nothing new: what the brake grants at once, and what it grants meanwhile. */
const MOST_A_SECOND = 13;
/** And what an attempt and its fallback can say anew of three pods. */
const MOST_NEW_A_SECOND = 17;

export interface OracleOptions {
  readonly world: World;
  readonly story: Story;
  /** Caches lag on purpose: rules that compare with the very moment do not apply. */
  readonly stale: boolean;
}

export class Oracle {
  readonly #options: OracleOptions;
  readonly violations: string[] = [];
  readonly #fleet: FleetOracle;
  /** Image writes of each attempt, and of its fallback. */
  readonly #imageWrites = new Map<string, number>();
  readonly #from = new Map<string, string>();
  readonly #ends = new Map<string, number>();

  constructor(options: OracleOptions) {
    this.#options = options;
    const { world, story } = options;
    this.#fleet = new FleetOracle({ world, story, broken: (rule, detail) => this.#broken(rule, detail) });
    world.state.onChange(({ kind, object }) => {
      if (kind === 'Pod') {
        this.#noteContainers(object as PodView);
        this.#enoughServe(object as PodView);
      }
    });
  }

  #broken(rule: string, detail: string): void {
    const at = ((this.#options.world.clock.now() % 86_400_000) / 1000).toFixed(3);
    this.violations.push(`${rule} at ${at}s: ${detail}`);
  }

  /** Told of every write as it is sent, whatever comes of it. Results of many pods are recorded at once, and count as one. */
  sent({ operator, kind, what, at }: WriteRecord): void {
    // The next attempt says some of it once more: that it holds the finalizer, for one.
    const attempt = this.#options.world.upgrade()?.status?.attempt?.number;
    const said = `${operator} ${attempt} ${kind} ${what}`;
    this.#withinRate(`${operator}`, kind, at, MOST_A_SECOND + MOST_NEW_A_SECOND);
    if (this.#said.has(said)) {
      this.#withinRate(`${operator} again`, kind, at, MOST_A_SECOND);
    }
    this.#said.add(said);
  }
  readonly #said = new Set<string>();

  #withinRate(whose: string, kind: WriteRecord['kind'], at: number, most: number): void {
    const times = this.#sent.get(whose) ?? [];
    this.#sent.set(whose, times);
    if (kind !== 'patchVerified' || times.at(-1) !== at) {
      times.push(at);
    }
    const burst = times.filter((time) => time > at - 1000).length;
    if (burst > most * Math.max(1, this.#options.world.state.all('Upgrade').length)) {
      this.#broken('rate', `${burst} writes in a second by operator ${whose}`);
    }
  }
  readonly #sent = new Map<string, number[]>();

  /** Told of every write that changed something. */
  wrote(write: WriteRecord, before: unknown, after: unknown): void {
    if (write.kind === 'patchStatus') {
      this.#statusWritten(before as Upgrade, after as Upgrade);
    } else if (write.kind === 'patchImages') {
      this.#imagesWritten(before as WorkloadView, after as WorkloadView);
    } else if (write.kind === 'patchVerified') {
      this.#verdictWritten(before as PodView, after as PodView);
    } else if (write.kind === 'deletePod') {
      this.#podDeleted(before as PodView);
    }
  }

  /**
   * I1, for Deployments. The other two controllers take a further pod while a broken one of the overtaken revision is being replaced:
   * a DaemonSet does not count it, a StatefulSet that is not OrderedReady begins with the highest ordinal whatever it finds below.
   */
  #enoughServe(pod: PodView): void {
    const { world, story } = this.#options;
    const workload = world.workload('Deployment', story.workload.name);
    if (story.losesPods || !workload || workload.generation === 1) {
      return;
    }
    const pods = world.podsOf(workload);
    if (!pods.some(({ uid }) => uid === pod.uid)) {
      return;
    }
    const serving = pods.filter((own) => isLive(own) && isReady(own)).length;
    const least = workload.desired - world.model(workload).maxUnavailable;
    if (serving < least) {
      this.#broken('I1', `${serving} pods of ${workload.name} serve, ${least} must`);
    }
  }

  /** I2, I4 */
  #imagesWritten(before: WorkloadView, after: WorkloadView): void {
    const attempted = this.#options.world.state
      .all('Upgrade')
      .filter(({ spec, status }) => spec.targetRef.name === after.name && status?.attempt);
    const upgrade = attempted.find(({ status }) => !status?.attempt?.end) ?? attempted[0];
    if (!upgrade?.status?.attempt) {
      this.#broken('I2', 'images were written although no attempt is recorded');
      return;
    }
    // Recorded again when the workload changed before the write was known to be done.
    const run = `${upgrade.metadata.uid}/${Oracle.#runOf(upgrade.status)}`;
    const count = (this.#imageWrites.get(run) ?? 0) + 1;
    this.#imageWrites.set(run, count);
    if (count > 1) {
      this.#broken('I2', `images were written ${count} times for ${run}`);
    }
    this.#asRecorded(before, after, upgrade.status);
  }

  /** Told by the status: which write of an attempt this is. */
  static #runOf({ attempt, fallback, turnedBack }: UpgradeStatus): string {
    const turn = turnedBack ? `/turn ${turnedBack.startedAt} ${turnedBack.returnAt}` : '';
    const back = fallback ? `/fallback ${fallback.startedAt}` : turn;
    return `${attempt?.id} ${attempt?.targetGeneration}${back}`;
  }

  #asRecorded(before: WorkloadView, after: WorkloadView, status: UpgradeStatus): void {
    const { from, to, fallback, turnedBack } = status;
    const turned = turnedBack?.returnAt === undefined ? turnedBack?.images : undefined;
    for (const { name, image } of after.containers) {
      if (before.containers.some((old) => old.name === name && old.image === image)) {
        continue;
      }
      const [asked, old] = [own(fallback?.images ?? turned ?? to?.images, name) ?? '', imageIn(before, name)];
      const recorded = this.#options.world.admission(asked, old);
      if (image !== recorded) {
        this.#broken('I4', `${name} was set to ${image}, but ${recorded} is recorded`);
      }
      if (fallback && image !== this.#options.world.admission(own(from?.images, name) ?? '', old)) {
        this.#broken('I4', `${name} fell back to ${image}, not to ${own(from?.images, name)}`);
      }
    }
  }

  readonly #lastSeen = new Map<string, number>();

  #noteContainers(pod: PodView): void {
    for (const { name, id, state } of pod.containers) {
      if (state === 'running') {
        this.#lastSeen.set(`${pod.uid}/${name}@${shortId(id)}`, Number.POSITIVE_INFINITY);
      }
    }
    for (const [key, until] of this.#lastSeen) {
      if (until !== Number.POSITIVE_INFINITY || !key.startsWith(`${pod.uid}/`)) {
        continue;
      }
      const there = pod.containers.some(
        ({ name, id, state }) => state === 'running' && key === `${pod.uid}/${name}@${shortId(id)}`,
      );
      if (!there) {
        this.#lastSeen.set(key, this.#options.world.clock.now());
      }
    }
  }

  /** I5, and: no gate is opened without verification. */
  #verdictWritten(before: PodView, after: PodView): void {
    const condition = after.conditions[VERIFIED];
    if (!condition) {
      return;
    }
    const opens =
      after.gates.includes(VERIFIED) &&
      before.conditions[VERIFIED]?.status !== 'True' &&
      condition.status === 'True';
    if (condition.reason === 'NoAttempt' || condition.reason === 'ReportOnly') {
      if (opens && this.#isAwaited(after) && this.#isOfTheAttempt(after)) {
        this.#broken('gate', `the gate of ${after.name} was opened as nobody's, but an attempt waits for it`);
      }
      return;
    }
    const pins = /\[\S+ ([^\]]*)\]$/.exec(condition.message)?.[1]?.split(' ') ?? [];
    // Why a pod does not pass yet is no result.
    if (pins.length === 0 && condition.status === 'True') {
      this.#broken('I5', `the verdict on ${after.name} names no container`);
    }
    if (condition.status !== 'True') {
      return;
    }
    this.#mustStillRun(after, pins);
    if (condition.reason !== 'AllSkipped') {
      this.#mustBeProved(after, pins);
    }
  }

  #mustStillRun(pod: PodView, pins: readonly string[]): void {
    const oldest = this.#options.stale ? 0 : this.#options.world.clock.now() - STALE_MS;
    for (const pin of pins) {
      const seen = this.#lastSeen.get(`${pod.uid}/${pin}`) ?? 0;
      if (seen < oldest) {
        this.#broken('I5', `the verdict on ${pod.name} is about ${pin}, which is gone`);
      }
    }
  }

  #mustBeProved(pod: PodView, pins: readonly string[]): void {
    const { world, story } = this.#options;
    const upgrade = world.upgrade();
    const isBefore = (name: string, image: string) => own(upgrade?.status?.from?.images, name) === image;
    const inFallback =
      upgrade?.status?.fallback !== undefined ||
      pod.containers.every(({ name, image }) => isBefore(name, image));
    if (!upgrade || effectiveChecks(upgrade.spec).length === 0) {
      return;
    }
    for (const { name } of upgrade.spec.containers) {
      const pin = pins.find((own) => own.startsWith(`${name}@`));
      if (!pin) {
        continue;
      }
      const verified = world.kubelet.asked.some(
        ({ podUid, containerId, result }) =>
          podUid === pod.uid &&
          `${name}@${shortId(containerId)}` === pin &&
          ((result.kind === 'exit' && result.code === 0) ||
            (inFallback && result.kind === 'missing') ||
            story.alsoPasses?.(result)),
      );
      if (!verified) {
        this.#broken('proof', `${pod.name} was declared verified, but ${pin} never said so`);
      }
    }
  }

  /** A pod from before it may be opened in the very moment in which an attempt begins. */
  #isOfTheAttempt(pod: PodView): boolean {
    const startedAt = Date.parse(this.#options.world.upgrade()?.status?.attempt?.startedAt ?? '');
    return pod.createdAt + 1000 > startedAt;
  }

  #isAwaited(pod: PodView): boolean {
    const { world } = this.#options;
    return world.state.all('Upgrade').some(({ spec, status }) => {
      const workload = world.workload(spec.targetRef.kind, spec.targetRef.name);
      const owns = workload && world.podsOf(workload).some(({ uid }) => uid === pod.uid);
      return owns && status?.attempt?.gating === true && status.targetUID === workload.uid;
    });
  }

  #podDeleted(pod: PodView): void {
    const { world, story } = this.#options;
    const workload = world.workload(story.workload.kind, story.workload.name);
    const isReplaced = workload !== undefined && workload.kind !== 'Deployment' && workload.onDelete;
    if (isReady(pod) && !isReplaced && !this.#options.stale) {
      this.#broken('delete', `${pod.name} was deleted although it serves`);
    }
    if (isReplaced && isReady(pod) && !story.losesPods) {
      this.#keepsParallel(pod, workload);
    }
    if (isReplaced) {
      this.#onlyWhatFailed(pod, workload);
    }
  }

  /** Without a fallback of the whole version, no pod of the new one is deleted but one that failed, and while the template is turned back. */
  #onlyWhatFailed(pod: PodView, workload: WorkloadView): void {
    const { world } = this.#options;
    const { spec, status } = world.upgrade() ?? {};
    // A change of the template by somebody else makes pods of the same images old.
    const isNow = status?.turnedBack !== undefined || pod.revision === currentRevision(world, workload);
    const isNew = pod.revision === status?.to?.revision && isNow;
    if (!isNew && status?.turnedBack) {
      this.#broken('left', `${pod.name} was deleted while a new pod would be as it was`);
    }
    if (status?.fallback || !isNew || spec?.fallback.scope !== 'FailedPods') {
      return;
    }
    const place = spec.targetRef.kind === 'DaemonSet' ? pod.node : pod.name;
    if (workload.observedGeneration < workload.generation && !this.#options.stale) {
      this.#broken('left', `${pod.name} was deleted before its controller has seen the template of before`);
    }
    const isLeft = status?.left?.some(({ name, state }) => name === place && state === 'Failed');
    if (!isLeft || !status?.turnedBack?.rolledAt || pod.conditions[VERIFIED]?.status !== 'False') {
      this.#broken('left', `${pod.name} was deleted, but ${place} is ${isLeft ? '' : 'not '}left`);
    }
  }

  #overBudget = 0;

  /** More failed pods than the budget never go on: the whole version goes back. */
  #keepsBudget({ spec }: Upgrade, { left = [], fallback, attempt, counts }: UpgradeStatus): void {
    const most = spec.strategy?.failureBudget?.maxFailed ?? 0;
    const failed = left.filter(({ state }) => state !== 'Unreachable').length;
    const isOver = typeof most === 'number' && failed > most && !fallback && !attempt?.end && counts;
    // The user may take the budget away in the moment in which something else is recorded.
    this.#overBudget = isOver ? this.#overBudget + 1 : 0;
    if (this.#overBudget > 1) {
      this.#broken('budget', `${failed} pods failed, ${most} may`);
    }
  }

  /** The end of a fleet: every wanted pod runs the new version verified, or is told as left; and the template is the wanted one. */
  #leavesNothingUnsaid({ status, spec }: Upgrade): void {
    const { world, story } = this.#options;
    const workload = world.workload(story.workload.kind, story.workload.name);
    if (status?.phase !== 'Partial' || !workload) {
      return;
    }
    const isDaemon = workload.kind === 'DaemonSet';
    // Somebody else has set an image since, and that is told.
    if (status.message?.includes('has since set')) {
      return;
    }
    const told = (status.left ?? []).map(({ name }) => name);
    const places = new Set([...told, ...(status.attempt?.excludedNodes ?? [])]);
    const unsaid = world
      .podsOf(workload)
      .filter(isLive)
      .filter((pod) => !(isReady(pod) && pod.containers[0]?.image === spec.containers[0]?.image))
      .filter((pod) => !places.has(isDaemon ? pod.node : pod.name))
      // The same image in another template of somebody else: to be replaced in its turn.
      .filter(
        ({ revision, containers }) =>
          containers[0]?.image !== spec.containers[0]?.image || revision === currentRevision(world, workload),
      );
    if (unsaid.length > 0) {
      this.#broken('left', `${unsaid.map(({ name }) => name)} are not verified, and not told`);
    }
    if (
      !status.turnedBack &&
      workload.containers[0]?.image !== spec.containers[0]?.image &&
      !this.#options.stale
    ) {
      this.#broken('left', 'the template was not turned forward again');
    }
  }

  /** Never more pods undecided at once than `maxParallel`: neither of the version before, nor verified, nor failed. */
  #keepsParallel(pod: PodView, workload: WorkloadView): void {
    const { world } = this.#options;
    const most = Number(world.upgrade()?.spec.strategy?.maxParallel ?? 1);
    const others = world.podsOf(workload).filter((own) => isLive(own) && own.uid !== pod.uid);
    const hasFailed = (own: PodView) => own.conditions[VERIFIED]?.status === 'False';
    const decided = others.filter((own) => own.revision === pod.revision || isReady(own) || hasFailed(own));
    if (workload.desired - decided.length > most) {
      this.#broken(
        'parallel',
        `${pod.name} was deleted with ${decided.length} of ${workload.desired} decided`,
      );
    }
  }

  /** I3, I6, I7, I8, and the schema. */
  #statusWritten(before: Upgrade, after: Upgrade): void {
    const [old, now] = [before.status, after.status];
    if (!now) {
      return;
    }
    if (!schema.Check(now)) {
      this.#broken(
        'schema',
        [...schema.Errors(now)].map(({ instancePath, message }) => `${instancePath} ${message}`).join('; '),
      );
    }
    const size = JSON.stringify(now).length;
    if (size > 100 * 1024) {
      this.#broken('size', `the status has ${size} bytes`);
    }
    this.#movesForward(old, now, after.metadata.uid);
    this.#countsAddUp(old, now);
    this.#conditionsFit(after);
    this.#fallbackHasCause(before, now);
    this.#beginsInItsTurn(before, after);
    this.#keepsBudget(after, now);
    this.#passesRolloutChecks(old, now);
  }

  #movesForward(old: UpgradeStatus | undefined, now: UpgradeStatus, uid: string): void {
    if ((now.observedGeneration ?? 0) < (old?.observedGeneration ?? 0)) {
      this.#broken('I6', 'observedGeneration went back');
    }
    if ((now.attempt?.number ?? 0) < (old?.attempt?.number ?? 0)) {
      this.#broken('I6', 'the attempt number went back');
    }
    if (!now.attempt) {
      return;
    }
    const { id } = now.attempt;
    this.#fallbackTargetStays(`${uid}/${id}`, now);
    if (old?.attempt?.id === id) {
      this.#staysTheSame(id, old, now);
    }
    this.#endsOnce(`${uid}/${id}`, old, now);
  }

  /** I4 */
  #fallbackTargetStays(id: string, { attempt, from }: UpgradeStatus): void {
    const images = JSON.stringify(Object.entries(from?.images ?? {}).sort());
    const known = this.#from.get(id);
    if (known !== undefined && known !== images) {
      this.#broken('I4', `the fallback target of ${id} changed from ${known} to ${images}`);
    }
    if (attempt?.rolledAt) {
      this.#from.set(id, images);
    }
  }

  #staysTheSame(id: string, old: UpgradeStatus, now: UpgradeStatus): void {
    if (old.attempt?.rolledAt && old.attempt.startedAt !== now.attempt?.startedAt) {
      this.#broken('clock', `attempt ${id} started anew`);
    }
    if (old.fallback && !now.fallback) {
      this.#broken('I3', `the fallback of ${id} was undone`);
    }
    if (old.fallback && now.fallback && old.fallback.startedAt !== now.fallback.startedAt) {
      this.#broken('clock', `the fallback of ${id} started anew`);
    }
  }

  /** Once, or twice when it failed first and was aborted then. */
  #endsOnce(id: string, old: UpgradeStatus | undefined, now: UpgradeStatus): void {
    const isNew =
      now.attempt?.end !== undefined &&
      (old?.attempt?.id !== now.attempt.id || old.attempt.end?.at !== now.attempt.end.at);
    const count = (this.#ends.get(id) ?? 0) + (isNew ? 1 : 0);
    this.#ends.set(id, count);
    if (count > 2) {
      this.#broken('history', `attempt ${id} ended ${count} times`);
    }
  }

  /** An attempt that writes, and each further stage, begins in a window and after what it depends on. */
  #beginsInItsTurn({ status: old }: Upgrade, { spec, status }: Upgrade): void {
    const { attempt, stages = [] } = status ?? {};
    if (!attempt || attempt.adopted) {
      return;
    }
    const isNew = old?.attempt?.number !== attempt.number;
    const waited = (name: string) => old?.stages?.find((stage) => stage.name === name)?.state === 'Waiting';
    const goesOn = stages.slice(1).some(({ name, state }) => state !== 'Waiting' && waited(name));
    if ((isNew || goesOn) && !attempt.promotedAt && !this.#isWindowOpen(spec)) {
      this.#broken('window', `${isNew ? 'an attempt' : 'a stage'} began while no window was open`);
    }
    if (isNew && !this.#options.stale) {
      this.#comesAfter(spec);
    }
  }

  #comesAfter({ dependsOn = [] }: Upgrade['spec']): void {
    for (const { name } of dependsOn) {
      const { metadata, status } = this.#options.world.upgrade(name) ?? {};
      if (status?.phase !== 'Succeeded' || status.observedGeneration !== metadata?.generation) {
        this.#broken('order', `an attempt began while ${name} was ${status?.phase}`);
      }
    }
  }

  /** A stage leaves its checks only by an answer that passes, of after its pods were verified. The stories' checks pass below 0.05. */
  #passesRolloutChecks(
    old: UpgradeStatus | undefined,
    { stages = [], fallback, attempt }: UpgradeStatus,
  ): void {
    for (const { name, state, verifiedAt } of fallback || attempt?.end ? [] : stages) {
      const before = old?.stages?.find((stage) => stage.name === name)?.state;
      if (
        before === 'Checking' &&
        state !== 'Checking' &&
        !this.#hasPassedSince(Date.parse(verifiedAt ?? ''))
      ) {
        this.#broken('metrics', `stage ${name} went on without an answer that passes`);
      }
    }
  }

  #hasPassedSince(time: number): boolean {
    return this.#options.world.queried.some(
      ({ at, answer }) =>
        at >= time &&
        answer.kind === 'values' &&
        answer.values.length > 0 &&
        answer.values.every((value) => value < 0.05),
    );
  }

  /** Windows of the stories are every day and in UTC. */
  #isWindowOpen({ windows }: Upgrade['spec']): boolean {
    const seconds = (this.#options.world.clock.now() % 86_400_000) / 1000;
    return (windows ?? [{ start: '00:00', durationSeconds: 86_400 }]).some(({ start, durationSeconds }) => {
      const [hours = 0, minutes = 0] = start.split(':').map(Number);
      const from = hours * 3600 + minutes * 60;
      // A write takes a moment to arrive.
      return from <= seconds && seconds < from + durationSeconds + 1;
    });
  }

  /** I7 */
  #countsAddUp(old: UpgradeStatus | undefined, { counts, phase }: UpgradeStatus): void {
    if (!counts) {
      return;
    }
    const { passed, retrying, failed, inconclusive, skipped, updated, desired } = counts;
    if (passed + retrying + failed + inconclusive + skipped !== updated) {
      this.#broken('I7', `counts do not add up: ${JSON.stringify(counts)}`);
    }
    // It may be scaled to nothing later.
    const isEmpty = desired === 0 && old?.phase !== 'Succeeded';
    if (phase === 'Succeeded' && (isEmpty || passed + skipped < Math.max(desired, updated))) {
      this.#broken('I7', `Succeeded with ${JSON.stringify(counts)}`);
    }
  }

  /** I8 */
  #conditionsFit({ status, spec }: Upgrade): void {
    const conditions = Object.fromEntries(
      (status?.conditions ?? []).map(({ type, status: value }) => [type, value]),
    );
    const phase = status?.phase ?? 'Pending';
    const terminal = ['Partial', 'FellBack', 'FallbackFailed', 'Failed', 'Aborted'].includes(phase);
    const isHeld = status?.waiting !== undefined;
    const rules: [boolean, string][] = [
      [
        Object.keys(conditions).sort().join() === CONDITIONS.join(),
        `conditions are ${Object.keys(conditions)}`,
      ],
      [
        conditions['Ready'] !== 'True' || phase === 'Succeeded' || status?.counts?.desired === 0,
        `Ready in ${phase}`,
      ],
      [!terminal || conditions['Reconciling'] !== 'True' || isHeld, `Reconciling in ${phase}`],
      [!terminal || conditions['Stalled'] === 'True' || spec.paused || isHeld, `not Stalled in ${phase}`],
      [conditions['Reconciling'] !== 'True' || conditions['Stalled'] !== 'True', 'Reconciling and Stalled'],
      [phase !== 'Succeeded' || !status?.attempt?.gating, 'Succeeded and still gating'],
      [conditions['FallenBack'] !== 'True' || phase === 'FellBack', `FallenBack in ${phase}`],
      [Boolean(status?.message), 'no message'],
    ];
    for (const [holds, text] of rules) {
      if (!holds) {
        this.#broken('I8', text);
      }
    }
  }

  /** I3 */
  #fallbackHasCause({ status, metadata }: Upgrade, now: UpgradeStatus): void {
    if (!now.fallback || (status?.fallback && status.attempt?.id === now.attempt?.id)) {
      return;
    }
    const { world, story } = this.#options;
    if (status?.phase === 'Succeeded') {
      this.#broken('I3', 'a fallback after Succeeded');
    }
    const aborted =
      metadata.annotations?.['postcheck.dev/abort'] !== undefined || metadata.deletionTimestamp !== undefined;
    // Before the fallback has written anything, only somebody else can have set the previous images.
    const undone = (['Deployment', 'StatefulSet', 'DaemonSet'] as const)
      .flatMap((kind) => world.state.all(kind))
      .some((workload) => workload.uid === now.targetUID && runsImages(workload, now.from?.images ?? {}));
    const wanted = Object.values(now.to?.images ?? {});
    const asked = world.kubelet.asked.some(
      ({ image, result }) => wanted.includes(image) && !(result.kind === 'exit' && result.code === 0),
    );
    const started = Object.entries(story.images).some(
      ([image, { start = 'runs', readyAfterMs }]) =>
        wanted.includes(image) && (start !== 'runs' || readyAfterMs !== undefined),
    );
    const refused = wanted.some((image) => world.refusesPod(image) !== undefined);
    const lapsed = wanted.some((image) => world.kubelet.lapsed.has(image));
    const queried = world.queried.some(
      ({ answer }) => answer.kind === 'values' && answer.values.some((value) => value >= 0.05),
    );
    if (!aborted && !undone && !asked && !started && !refused && !lapsed && !queried) {
      this.#broken('I3', `a fallback without any evidence: ${now.fallback.cause}`);
    }
  }

  /** Told at the end of the story. */
  finish(writes: readonly WriteRecord[], quietSince: number): void {
    const { world } = this.#options;
    const late = writes.filter(({ at }) => at > quietSince);
    if (late.length > 0) {
      this.#broken(
        'I10',
        `${late.length} writes although nothing changed, the first: ${late[0]?.kind} ${late[0]?.what}`,
      );
    }
    const busiest = Math.max(
      0,
      ...writes.map(
        ({ at }) => writes.filter((write) => write.at >= at && write.at < at + RATE_WINDOW_MS).length,
      ),
    );
    if (busiest > MOST_WRITES) {
      this.#broken('rate', `${busiest} writes in ${RATE_WINDOW_MS / 1000} s`);
    }
    for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet'] as const) {
      for (const { name, holdsOurFields } of world.state.all(kind)) {
        if (holdsOurFields && world.upgrade()?.status?.attempt?.end) {
          this.#broken('fields', `${name} still has managed fields of ours`);
        }
      }
    }
    for (const upgrade of world.state.all('Upgrade')) {
      this.#leavesNothingUnsaid(upgrade);
      this.#countsNoRemovedPods(upgrade);
    }
    this.#leavesNoGate();
    this.#fleet.finish();
  }

  /** After the end nobody is said to be verified who is not desired any more. */
  #countsNoRemovedPods({ spec, status }: Upgrade): void {
    const { kind, name } = spec.targetRef;
    const workload = this.#options.world.workload(kind, name);
    if (!status?.attempt?.end || !status.counts || !workload || workload.uid !== status.targetUID) {
      return;
    }
    const { desired, misscheduled = 0 } = workload;
    if (status.counts.desired > desired + misscheduled) {
      this.#broken('I7', `${status.counts.desired} pods are counted, ${desired} are desired`);
    }
  }

  #leavesNoGate(): void {
    const { world } = this.#options;
    for (const pod of world.pods()) {
      if (!isLive(pod) || !pod.gates.includes(VERIFIED) || pod.conditions[VERIFIED]?.status === 'True') {
        continue;
      }
      if (!this.#isAwaited(pod)) {
        this.#broken('gate', `the gate of ${keyOf(pod)} stays closed although no attempt waits for it`);
      }
    }
  }
}

const imageIn = ({ containers }: WorkloadView, name: string): string =>
  containers.find((container) => container.name === name)?.image ?? '';

const currentRevision = (world: World, workload: WorkloadView): string | undefined =>
  revisionsOf(world, workload).find(({ templateDigest }) => templateDigest === workload.templateDigest)?.hash;

const shortId = (id: string): string => id.replace(/^.*:\/\//, '').slice(0, 12);
