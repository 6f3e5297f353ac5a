/** A bug to plant: in the file (under src/) the text `find` becomes `replace`. */
export interface Bug {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** One for each property that the tests have to guard. */
export const BUGS: readonly Bug[] = [
  {
    name: 'no data of Prometheus passes',
    file: 'core/rollout/rollout-checks.ts',
    find: 'values.length === 0 || values.some(Number.isNaN) || !passes',
    replace: '!passes',
  },
  {
    name: 'one bad sample of Prometheus is evidence enough',
    file: 'core/rollout/rollout-checks.ts',
    find: 'const ROUNDS = 3;',
    replace: 'const ROUNDS = 1;',
  },
  {
    name: 'an attempt begins outside its windows',
    file: 'core/decision/start.ts',
    find: 'isPromoted(snapshot, nextNumber(snapshot)) ?',
    replace: 'true ?',
  },
  {
    name: 'a further stage begins outside the windows',
    file: 'core/rollout/stages.ts',
    find: "state === 'Waiting' && status.attempt.promotedAt === undefined ?",
    replace: 'state === status.phase ?',
  },
  {
    name: 'summer time is ignored',
    file: 'core/windows.ts',
    find: '[wall - DAY_MS, wall + DAY_MS].map(',
    replace: '[0, 0].map(',
  },
  {
    name: 'an Upgrade that succeeded with earlier images counts for those that depend on it',
    file: 'core/decision/dependencies.ts',
    find: 'isForSpec(status.attempt, spec) &&',
    replace: '',
  },
  {
    name: 'nobody is told that what it depends on has changed',
    file: 'engine/store.ts',
    find: 'this.#woken.add(key);',
    replace: '',
  },
  {
    name: 'a broken channel counts as evidence',
    file: 'core/verification/exit-codes.ts',
    find: "class: 'Error'",
    replace: "class: 'Retry'",
  },
  {
    name: 'a missing command is skipped',
    file: 'core/verification/exit-codes.ts',
    find: ": { class: 'Fail', reason: 'CommandMissing'",
    replace: ": { class: 'Skip', reason: 'CommandMissing'",
  },
  {
    name: 'a workload of the same name but another UID is taken for the old one',
    file: 'core/decision/observe.ts',
    find: 'status.targetUID !== workload.uid',
    replace: 'false',
  },
  {
    name: 'an old view of the workload is acted on',
    file: 'core/decision/observe.ts',
    find: "return { name: 'StaleCache' };",
    replace: '{}',
  },
  {
    name: 'an overtaking attempt forgets the fallback target when it is recorded again',
    file: 'core/decision/observe.ts',
    find: 'const inherit = attempt.inherited ?? false;',
    replace: 'const inherit = false;',
  },
  {
    name: 'a pause is ignored',
    file: 'core/decision/observe.ts',
    find: 'if (spec.paused) {',
    replace: 'if (spec.paused && snapshot.upgrade.status?.fallback) {',
  },
  {
    name: 'deadlines count from the start of the process',
    file: 'core/rollout/context.ts',
    find: 'export function verificationContext(',
    replace: `const processStart = new WeakMap<object, number>();
const begun = ({ records, now }: Snapshot): number => {
  if (!processStart.has(records)) processStart.set(records, now);
  return processStart.get(records) ?? now;
};
export function verificationContext(snapshot: Snapshot, status: ActiveStatus, stages?: Stages): VerificationContext {
  return { ...trueContext(snapshot, status, stages), startedAt: begun(snapshot) };
}
function trueContext(`,
  },
  {
    name: 'resuming does not move the clocks',
    file: 'core/status.ts',
    find: 'paused?.resumedAt ? fromIso(paused.resumedAt) : undefined',
    replace: 'paused?.resumedAt ? undefined : undefined',
  },
  {
    name: 'a pod of the old version is counted',
    file: 'core/workload/pods.ts',
    find: 'revision !== undefined && pod.revision === revision',
    replace: 'revision !== undefined',
  },
  {
    name: 'the newest number is taken for the update revision',
    file: 'core/workload/driver.ts',
    find: '&& templateDigest === view.templateDigest',
    replace: '&& (templateDigest !== "" || view.templateDigest !== "")',
  },
  {
    name: 'a template that the controller has not taken up yet counts',
    file: 'core/workload/driver.ts',
    find: '  observedGeneration >= generation;',
    replace: '  observedGeneration >= generation || generation > 0;',
  },
  {
    name: 'success does not wait for the rollout',
    file: 'core/rollout/done.ts',
    find: 'return summary.rolledOut;',
    replace: 'return true;',
  },
  {
    name: 'the gate goes on after the end',
    file: 'core/status.ts',
    find: 'gating: attempt.gating && gating',
    replace: 'gating: attempt.gating || gating',
  },
  {
    name: 'a verdict outlives its container',
    file: 'core/verification/recorded.ts',
    find: 'if (!condition.message.endsWith(suffix)) {',
    replace: 'if (suffix === condition.message) {',
  },
  {
    name: 'a record outlives its container',
    file: 'core/verification/probe-cycle.ts',
    find: 'return replaced ? undefined : record;',
    replace: 'return record;',
  },
  {
    name: 'an answer from a container that is gone counts',
    file: 'core/verification/probe-cycle.ts',
    find: 'name === container && id === containerId',
    replace: 'name === container && id !== containerId + "x"',
  },
  {
    name: 'the deadline fails a pod without another try',
    file: 'core/verification/pod.ts',
    find: 'if (record.startedAt >= deadline && ',
    replace: 'if (now >= deadline && ',
  },
  {
    name: 'restarts of pods from before the attempt count',
    file: 'core/rollout/context.ts',
    find: 'seen?.verification === id ? (seen.restarts.get(container) ?? 0) : 0',
    replace: 'seen?.verification === id ? 0 : 0',
  },
  {
    name: 'a lost node fails its pod',
    file: 'core/verification/pod.ts',
    find: "state: 'Inconclusive', cause: { reason: 'NodeUnreachable' }",
    replace: "state: 'Failed', cause: { reason: 'NodeUnreachable' }",
  },
  {
    name: 'a stuck pod is left to itself',
    file: 'core/workload/stateful-set.ts',
    find: 'if (!view.ordered || update === undefined) {',
    replace: 'if (view.ordered || update === undefined) {',
  },
  {
    name: 'a stuck pod is deleted although it serves',
    file: 'core/workload/stateful-set.ts',
    find: 'isLive(pod) && !isReady(pod) && ',
    replace: 'isLive(pod) && ',
  },
  {
    name: 'a command is not recorded',
    file: 'core/decision/commands.ts',
    find: '[verb]: { token, at: toIso(now), result }',
    replace: "[verb]: { token: '', at: toIso(now), result }",
  },
  {
    name: 'progress and volatile changes are written at once',
    file: 'core/report/status-diff.ts',
    find: "? 'progress' : 'transition'",
    replace: "? 'transition' : 'transition'",
  },
  {
    name: 'our managed fields are left behind',
    file: 'core/rollout/actions.ts',
    find: 'workload.holdsOurFields ?',
    replace: '!workload ?',
  },
  {
    name: 'the act comes before its intent',
    file: 'engine/reconciler.ts',
    find: 'const statusDueMs = this.#pace.dueMs(key, upgrade, plan);',
    replace: `const target = this.#options.store.targetOf(upgrade);
    if (plan.state === 'Starting' && target) await this.#options.writer.patchImages(target, plan.status.to?.images ?? {});
    const statusDueMs = this.#pace.dueMs(key, upgrade, plan);`,
  },
  {
    name: 'a refused status write is taken for done',
    file: 'engine/reconciler.ts',
    find: `if (stored !== 'continue') {
      return stored;
    }`,
    replace: '',
  },
  {
    name: 'a cycle counts for whatever verification runs when it ends',
    file: 'engine/cycles.ts',
    find: 'upgrade?.status && isVerificationOf(upgrade, upgrade.status, planned.verification) && !pod?.deleting;\n',
    replace: 'upgrade?.status && !pod?.deleting && isVerificationOf !== undefined;\n',
  },
  {
    name: 'slipped pods are deleted as fast as they come',
    file: 'engine/write-backoff.ts',
    find: 'Math.max(0, known.nextAt - now)',
    replace: '0',
  },
  {
    name: 'a deleted pod is deleted again until the watch says so',
    file: 'engine/indexer.ts',
    find: 'if (known && this.#options.version(known) === this.#options.version(object)) {',
    replace: 'if (known === null) {',
  },
  {
    name: 'an older event undoes our own write',
    file: 'engine/indexer.ts',
    find: 'if (known && isNewer(this.#options.version(known), version)) {',
    replace: 'if (known === null) {',
  },
  {
    name: 'a gate is opened on the word of a watch alone',
    file: 'engine/orphan-gate-controller.ts',
    find: 'if (!free) {',
    replace: 'if (free === null) {',
  },
  {
    name: 'nobody opens the gates of a deleted Upgrade',
    file: 'engine/orphan-gate-controller.ts',
    find: 'if (!pod || !isClosed(pod) || this.#isAwaited(pod)) {',
    replace: 'if (pod !== null) {',
  },
  {
    name: 'the next pod of the same name answers for this one',
    file: 'engine/probe-runner.ts',
    find: "if (confirm === 'no') {",
    replace: "if (confirm !== 'never') {",
  },
  {
    name: 'pods are whose UID they name, in whatever namespace',
    file: 'engine/ownership.ts',
    find: 'identityKey({ namespace, ...owner })',
    replace: "identityKey({ namespace: namespace && 'shop', ...owner })",
  },
  {
    name: 'a gate that nobody waits for is timed by a clock that can be set',
    file: 'engine/orphan-gate-controller.ts',
    find: 'clock.steady()',
    replace: 'clock.now()',
  },
  {
    name: 'a clock that is set makes what is remembered older',
    file: 'engine/local-state.ts',
    find: 'this.#shift(setBy);',
    replace: '',
  },
  {
    name: 'whoever asks first gets every slot',
    file: 'engine/fair-semaphore.ts',
    find: 'this.isHalfOf(namespace) ? Math.floor(this.#size / 4) : 0',
    replace: '0',
  },
  {
    name: 'an image that admission rewrote is written again',
    file: 'core/rollout/rollout.ts',
    find: "direction === 'Forward' && turn === undefined && rolledAt === undefined && wroteImages(workload)",
    replace:
      'direction !== direction && turn === undefined && rolledAt === undefined && wroteImages(workload)',
  },
  {
    name: 'an answer counts for another Upgrade of the same name',
    file: 'core/status.ts',
    find: 'metadata.uid.slice(0, 8),',
    replace: 'metadata.uid.slice(0, 0),',
  },
  {
    name: 'an answer counts for another post-check',
    file: 'core/status.ts',
    find: '    postCheckDigest(spec),\n    ...(inFallback',
    replace: '    ...(inFallback',
  },
  {
    name: 'an attempt succeeds with zero pods',
    file: 'core/rollout/verify.ts',
    find: 'summary.desired === 0 ? policy.onNoPods(turn) : policy.onDone(turn)',
    replace: 'policy.onDone(turn)',
  },
  {
    name: 'an attempt succeeds with a wanted pod unsettled',
    file: 'core/rollout/done.ts',
    find: 'decided === results.length && ',
    replace: '',
  },
  {
    name: 'a write without effect is repeated at once',
    file: 'engine/brake.ts',
    find: 'const until = now + Math.min(backoff.maxMs, backoff.minMs * 2 ** (count - 1));',
    replace: 'const until = now;',
  },
  {
    name: 'nothing bounds the writes of one Upgrade',
    file: 'engine/brake.ts',
    find: '    if (wait > 0) {',
    replace: '    if (wait > 1e9) {',
  },
  {
    name: 'what moves an attempt on is braked',
    file: 'engine/brake.ts',
    find: 'if (progress && movesOn(own, progress)) {',
    replace: 'if (progress && movesOn(own, progress) && key === "") {',
  },
  {
    name: 'whoever changes a spec without end is never braked',
    file: 'engine/progress-marks.ts',
    find: 'marks: isBegun ?',
    replace: 'marks: isBegun || next.attempt ?',
  },
  {
    name: 'a deleted Upgrade leaves its version where it is',
    file: 'core/finalizer.ts',
    find: "(isUnderWay && upgrade.spec.fallback.action !== 'None')",
    replace: "(isUnderWay && upgrade.metadata.name === '')",
  },
  {
    name: 'a finalizer stays when nothing is to be put back',
    file: 'core/finalizer.ts',
    find: '    return removeFinalizer(upgrade);',
    replace: '    return NO_ACTION;',
  },
  {
    name: 'text is cut in the middle of a character',
    file: 'api/cut.ts',
    find: 'text.slice(0, isHalf ? max - 1 : max).toWellFormed()',
    replace: 'text.slice(0, isHalf ? max : max)',
  },
  {
    name: 'a name finds what every object inherits',
    file: 'api/own.ts',
    find: 'Object.hasOwn(map, name)',
    replace: 'name in map',
  },
  {
    name: 'a status has no bound as a whole',
    file: 'core/report/fit.ts',
    find: 'bytesOf(fitting) <= MAX_BYTES',
    replace: 'bytesOf(fitting) <= MAX_BYTES * 100',
  },
  {
    name: "the controller's own waits are a lack of progress",
    file: 'core/rollout/progress.ts',
    find: '(progressDeadlineSeconds(snapshot) + workload.ownWaitSeconds) * 1000',
    replace: 'progressDeadlineSeconds(snapshot) * 1000',
  },
  {
    name: 'more pods are replaced at once than maxParallel allows',
    file: 'core/rollout/advance.ts',
    find: 'free >= 0 || !isWaitedFor(pod)',
    replace: 'free >= -1000 || !isWaitedFor(pod)',
  },
  {
    name: "a stage's limit is ignored where pods are deleted",
    file: 'core/rollout/stages.ts',
    find: 'own.some(({ room }) => room > 0)',
    replace: 'own.length > 0',
  },
  {
    name: 'pods that are deleted together do not count against the stage',
    file: 'core/rollout/stages.ts',
    find: 'stage.room -= 1',
    replace: 'stage.room -= 0',
  },
  {
    name: "a stage's limit is ignored where the partition or the gate holds it",
    file: 'core/rollout/stages.ts',
    find: 'pods: Math.max(0, ...limits.map(({ pods }) => pods))',
    replace: 'pods: limits.length > 0 ? turn.summary.desired : 0',
  },
  {
    name: 'the partition is not put back at the end',
    file: 'core/decision/decide.ts',
    find: 'driverOf(workload).partition(workload) !== partition',
    replace: 'driverOf(workload).partition(workload) === -1',
  },
  {
    name: 'the images are written before the baseline is stored',
    file: 'core/decision/observe.ts',
    find: '!rollout.turn && needsBaseline(snapshot, status, rollout)',
    replace: '!rollout.turn && needsBaseline(snapshot, status, rollout) && snapshot.pods.length === 0',
  },
  {
    name: 'the baseline is taken and not stored',
    file: 'core/rollout/baseline.ts',
    find: '{ ...status.from, baseline } }, intent: true }',
    replace: '{ ...status.from, baseline: baseline.slice(0, 0) } }, intent: true }',
  },
  {
    name: 'a kept result outlives the record that it came from',
    file: 'core/verification/results.ts',
    find: 'entry.record === records.get(pod.uid) &&',
    replace: '',
  },
  {
    name: 'a kept result outlives its time',
    file: 'core/verification/results.ts',
    find: 'now < lookAt &&',
    replace: '',
  },
  {
    name: 'a kept result outlives the loss of its node',
    file: 'core/verification/results.ts',
    find: 'entry.nodeReady === context.nodeReady(pod.node) &&',
    replace: '',
  },
  {
    name: 'results are kept over a change of the verification',
    file: 'core/verification/results.ts',
    find: 'const question = JSON.stringify(context);',
    replace: 'const question = context.template.join();',
  },
  {
    name: 'a fallback goes by the stages of the attempt',
    file: 'core/rollout/stages.ts',
    find: 'if (isFallingBack(status)) {',
    replace: 'if (isFallingBack(status) && spec.paused) {',
  },
  {
    name: 'a rollback waits for pods that do not serve',
    file: 'core/rollout/policy.ts',
    find: 'replacesUnready: true',
    replace: 'replacesUnready: false',
  },
  {
    name: 'a fallback ends as failed while a broken pod blocks its controller',
    file: 'core/rollout/policy.ts',
    find: 'unblocksBeforeFailing: true',
    replace: 'unblocksBeforeFailing: false',
  },
  {
    name: 'an attempt deletes a broken pod that ran before',
    file: 'core/rollout/policy.ts',
    find: 'sparesBefore: true',
    replace: 'sparesBefore: false',
  },
  {
    name: 'more pods may fail than the budget allows',
    file: 'core/rollout/budget.ts',
    find: 'failed > budget ||',
    replace: 'failed > budget + 1 ||',
  },
  {
    name: 'a budget lets a version go on that is verified nowhere',
    file: 'core/rollout/budget.ts',
    find: ' || isHopeless(turn, failed)',
    replace: '',
  },
  {
    name: 'pods that failed are put back before that is on them',
    file: 'core/rollout/turn-back.ts',
    find: "state === 'Failed' && recorded && places",
    replace: "state === 'Failed' && places",
  },
  {
    name: 'pods that failed are deleted before the template is turned back',
    file: 'core/rollout/turn-back.ts',
    find: '!rollout.turn || !isObserved(workload)',
    replace: '!isObserved(workload)',
  },
  {
    name: 'the rollout goes on while the template is turned back',
    file: 'core/rollout/advance.ts',
    find: ' || rollout.turn) {',
    replace: ') {',
  },
  {
    name: 'an attempt ends as Partial before the last pod that failed is put back',
    file: 'core/rollout/verify.ts',
    find: 'turnTemplate(now) ??\n    endOf(now, late, staged.isOver);',
    replace: 'endOf(now, late, staged.isOver) ??\n    turnTemplate(now);',
  },
  {
    name: 'pods that were put back are replaced again',
    file: 'core/rollout/verify.ts',
    find: 'whole.outdated.filter((pod) => !putBack.includes(pod))',
    replace: 'whole.outdated',
  },
  {
    name: 'a retry after Partial verifies every pod anew',
    file: 'core/decision/start.ts',
    find: 'keeps: [...keeps, id].slice(-MOST_KEPT)',
    replace: 'keeps: keeps.slice(0, 0)',
  },
  {
    name: 'nobody verifies the pods that are made anew after Partial',
    file: 'core/decision/observe.ts',
    find: '(status.turnedBack === undefined && (spec.paused || isPostCheckChanged(status, spec)))',
    replace: 'status.turnedBack === undefined',
  },
  {
    name: 'pods that failed are deleted before their controller has seen the template of before',
    file: 'core/rollout/turn-back.ts',
    find: '!rollout.turn || !isObserved(workload)',
    replace: '!rollout.turn || isObserved === undefined',
  },
  {
    name: 'an attempt does not wait at the partition of the user',
    file: 'core/rollout/stages.ts',
    find: 'tried >= limit ? partitionWait',
    replace: 'tried > 1000 ? partitionWait',
  },
  {
    name: 'a partition that the user sets in mid-attempt is written over',
    file: 'core/rollout/partition.ts',
    find: '!held || driver.othersSetPartition(workload) ? stands',
    replace: '!held ? stands',
  },
  {
    name: 'nobody probes the pods that wait at the partition of the user',
    file: 'core/rollout/context.ts',
    find: ' || isAtPartition(status)',
    replace: '',
  },
  {
    name: 'what an attempt waits at the partition of the user counts as a lack of progress',
    file: 'core/rollout/verify.ts',
    find: "isAtPartition(upgrade.status ?? {}) && wait?.reason !== 'PartitionSet'",
    replace: 'isAtPartition({}) && wait === undefined',
  },
  {
    name: 'a fallback does not say that the partition of the user keeps its pods',
    file: 'core/decision/observe.ts',
    find: '(isFallingBack(status) ? partitionObstacle',
    replace: '(spec.paused ? partitionObstacle',
  },
  {
    name: 'an uninstall leaves the partition moved',
    file: 'engine/uninstall.ts',
    find: 'upgrades.filter(({ status }) => status?.attempt?.held)',
    replace: 'upgrades.filter(({ status }) => status?.attempt?.held === null)',
  },
  {
    name: 'progress is told before anything is done, by a process that does not live to do it',
    file: 'engine/status-pace.ts',
    find: 'const MOST_AHEAD = 10;',
    replace: 'const MOST_AHEAD = 0;',
  },
  {
    name: 'what explains the failures comes and goes with what a process remembers',
    file: 'core/rollout/explain.ts',
    find: "state === 'Passed' && recorded",
    replace: "state === 'Passed'",
  },
  {
    name: 'a soak is over by time alone',
    file: 'core/rollout/stages.ts',
    find: ' && isWellSoFar(turn))',
    replace: ')',
  },
];
