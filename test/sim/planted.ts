/**
 * Proof that the tests see: plants one bug after the other into a copy of the sources and expects the tests of the decisions, of the engine
 * and of the simulation to fail. `npx node test/sim/planted.ts [WORD…]` for those whose name has such a word.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Bug {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const BUGS: readonly Bug[] = [
  {
    name: 'a broken channel counts as evidence',
    file: 'core/verification/exit-codes.ts',
    find: "class: 'Error'",
    replace: "class: 'Retry'",
  },
  {
    name: 'a missing command is skipped',
    file: 'core/verification/exit-codes.ts',
    find: "class: skip ? 'Skip' : 'Fail'",
    replace: "class: skip ? 'Skip' : 'Skip'",
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
    find: '  if (snapshot.upgrade.spec.paused)\n',
    replace: '  if (snapshot.upgrade.spec.paused && running.status.fallback)\n',
  },
  {
    name: 'deadlines count from the start of the process',
    file: 'core/prove.ts',
    find: 'export function verificationContext(',
    replace: `const processStart = new WeakMap<object, number>();
const begun = ({ records, now }: Snapshot): number => {
  if (!processStart.has(records)) processStart.set(records, now);
  return processStart.get(records) ?? now;
};
export function verificationContext(snapshot: Snapshot, status: UpgradeStatus): VerificationContext {
  return { ...trueProofOf(snapshot, status), startedAt: begun(snapshot) };
}
function trueProofOf(`,
  },
  {
    name: 'resuming does not move the clocks',
    file: 'core/status.ts',
    find: 'status.paused?.resumedAt ? fromIso(status.paused.resumedAt) : undefined',
    replace: 'undefined',
  },
  {
    name: 'a pod of the old version is counted',
    file: 'core/target.ts',
    find: 'pod.revision === revision &&',
    replace: '',
  },
  {
    name: 'the newest number is taken for the update revision',
    file: 'core/target.ts',
    find: '&& templateDigest === workload.templateDigest',
    replace: '&& (templateDigest !== "" || workload.templateDigest !== "")',
  },
  {
    name: 'a template that the controller has not taken up yet counts',
    file: 'core/target.ts',
    find: 'if (workload.observedGeneration < workload.generation) return undefined;',
    replace: '',
  },
  {
    name: 'success does not wait for the rollout',
    file: 'core/prove.ts',
    find: 'snapshot.updateRevision !== undefined && rolledOut &&',
    replace: '',
  },
  {
    name: 'the gate goes on after the end',
    file: 'core/status.ts',
    find: 'attempt.gating && end.gating',
    replace: 'attempt.gating',
  },
  {
    name: 'a verdict outlives its container',
    file: 'core/verification/recorded.ts',
    find: 'if (!condition.message.endsWith(suffix)) return undefined;',
    replace: '',
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
    find: 'record.startedAt >= deadline;',
    replace: 'now >= deadline;',
  },
  {
    name: 'restarts of pods from before the attempt count',
    file: 'core/verification/pod.ts',
    find: 'if (pod.createdAt < Math.floor(verification.startedAt / 1000) * 1000) return undefined;',
    replace: '',
  },
  {
    name: 'a lost node fails its pod',
    file: 'core/verification/pod.ts',
    find: "state: 'Inconclusive', reason: 'NodeUnreachable'",
    replace: "state: 'Failed', reason: 'NodeUnreachable'",
  },
  {
    name: 'a stuck pod is left to itself',
    file: 'core/fallback.ts',
    find: 'if (!workload.ordered || ',
    replace: 'if (' + 'workload.ordered || ',
  },
  {
    name: 'a stuck pod is deleted although it serves',
    file: 'core/fallback.ts',
    find: "filter((pod) => pod.conditions['Ready']?.status !== 'True')",
    replace: 'filter(() => true)',
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
    file: 'core/prove.ts',
    find: 'workload.holdsOurFields ?',
    replace: '!workload ?',
  },
  {
    name: 'the act comes before its intent',
    file: 'engine/reconciler.ts',
    find: 'const statusDueMs = this.#statusDueMs(key, upgrade, plan);',
    replace: `const target = this.#options.store.targetOf(upgrade);
    if (plan.state === 'Starting' && target) await this.#options.writer.patchImages(target, plan.status.to?.images ?? {});
    const statusDueMs = this.#statusDueMs(key, upgrade, plan);`,
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
    file: 'engine/reconciler.ts',
    find: `verificationId(upgrade.status) === verification) {
      const record = addCycle(
        this.local.records.get(pod.uid),
        { spec: upgrade.spec, verification, inFallback }`,
    replace: `pod.uid !== '') {
      const record = addCycle(
        this.local.records.get(pod.uid),
        { spec: upgrade.spec, verification: verificationId(upgrade.status), inFallback }`,
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
    find: 'if (await this.#stillThere(pod, request, killed ? LOOK_AGAIN_MS : 0)) {',
    replace: 'if (killed || !killed) {',
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
    find: "direction === 'Forward' && rolledAt === undefined && wroteImages(workload)",
    replace: 'direction !== direction && wroteImages(workload)',
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
    find: '    postCheckDigest(spec),\n    ...(isFallingBack',
    replace: '    ...(isFallingBack',
  },
  {
    name: 'an attempt succeeds with zero pods',
    file: 'core/rollout/verify.ts',
    find: 'summary.desired === 0 ? policy.onNoPods(turn) : policy.onDone(turn)',
    replace: 'policy.onDone(turn)',
  },
  {
    name: 'an attempt succeeds with a wanted pod unsettled',
    file: 'core/rollout/verify.ts',
    find: 'settled === counts.updated && ',
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
    file: 'core/rollout/verify.ts',
    find: '(progressDeadlineSeconds(snapshot) + workload.ownWaitSeconds) * 1000',
    replace: 'progressDeadlineSeconds(snapshot) * 1000',
  },
];

const root = fileURLToPath(new URL('../..', import.meta.url));
/** The quick ones first. */
const tests = [['src/api', 'src/core', 'src/engine'], ['test/sim']];

function copyOfTheSources(): string {
  const folder = mkdtempSync(join(tmpdir(), 'planted-'));
  for (const part of ['src', 'test/sim', 'test/support', 'package.json', 'jest.config.js', 'tsconfig.json']) {
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

function plant(folder: string, { name, file, find, replace }: Bug): () => void {
  const path = join(folder, 'src', file);
  const before = readFileSync(path, 'utf8');
  if (!before.includes(find)) {
    throw new Error(`"${name}" can no longer be planted: src/${file} has no ${JSON.stringify(find)}`);
  }
  writeFileSync(
    path,
    before.replaceAll(find, () => replace),
  );
  return () => writeFileSync(path, before);
}

/** The first test that failed, or `undefined` when none did. */
function caughtBy(folder: string): string | undefined {
  const jest = [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    '--bail',
    '--silent',
  ];
  for (const some of tests) {
    const result = spawnSync(process.execPath, [...jest, ...some], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 300_000,
      maxBuffer: 1e9,
    });
    if (result.status !== 0) {
      return (
        /● (.*)/.exec(result.stderr)?.[1] ??
        `the tests could not run: ${String(result.error ?? result.stderr).slice(-500)}`
      );
    }
  }
  return undefined;
}

const words = process.argv.slice(2);
const folder = copyOfTheSources();
const missed: string[] = [];
const chosen = BUGS.filter(({ name }) => words.every((word) => name.includes(word)));
try {
  for (const bug of chosen) {
    const cure = plant(folder, bug);
    const startedAt = performance.now();
    const test = caughtBy(folder);
    cure();
    if (test === undefined) {
      missed.push(bug.name);
    }
    console.log(
      `${test === undefined ? 'MISSED' : 'caught'} in ${((performance.now() - startedAt) / 1000).toFixed(0)} s: ${bug.name}${test ? `\n       by ${test}` : ''}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${chosen.length - missed.length} of ${chosen.length} planted bugs were caught`);
process.exit(missed.length > 0 ? 1 : 0);
