/** `tree`: the Upgrade down to its checks, with clocks that only the operator's own decisions know. */
import { isClosed } from '../../../../src/api/gate.ts';
import { VERIFIED } from '../../../../src/api/names.ts';
import type { PodCheck, PodReport, Upgrade } from '../../../../src/api/types.ts';
import type { PodView } from '../../../../src/api/views.ts';
import { resultText } from '../../../../src/core/report/cause-text.ts';
import { imagesText } from '../../../../src/core/report/image-text.ts';
import { isFallingBack, isUnderWay } from '../../../../src/core/status.ts';
import { fromIso, spanText } from '../../../../src/core/time.ts';
import type { PodResult } from '../../../../src/core/verification/pod-result.ts';
import { driverOf } from '../../../../src/core/workload/drivers.ts';
import { isLive } from '../../../../src/core/workload/pods.ts';
import { at } from '../../../../src/kube/client/json.ts';
import type { Cluster } from '../cluster.ts';
import type { Io } from '../io.ts';
import { resultOf } from '../judged.ts';
import { phaseLook, plural, stageLook, stateLook } from '../looks.ts';
import { painted, paintedClass, symbol } from '../paint.ts';
import { gather, type Scene, takesTraffic } from '../scene.ts';
import { Screen } from '../screen.ts';
import { conditionOf, decided, phaseOf, unseen } from '../standing.ts';
import { age, clockTime, columns, plain, plainLines } from '../text.ts';
import { type Found, findUpgrade, found, upgradeTarget } from '../upgrades.ts';

export interface TreeOptions {
  readonly watch?: boolean;
}

/** Between two reads of the cluster; the clocks are redrawn each second. */
const LOOK_EVERY_MS = 2000;

export async function tree(io: Io, cluster: Cluster, name: string, options: TreeOptions): Promise<number> {
  const first = await findUpgrade(cluster, name);
  const scene = await gather(cluster, first);
  if (options.watch) {
    return await watch(io, cluster, first, scene);
  }
  for (const line of treeLines(io, scene)) {
    io.out(line);
  }
  return 0;
}

/** Redraws on a terminal until the Upgrade is decided; in a pipe, writes the tree again when it has changed. */
async function watch(io: Io, cluster: Cluster, first: Found, start: Scene): Promise<number> {
  const screen = io.terminal ? new Screen(io) : undefined;
  let scene = start;
  let lookedAt = io.now();
  let told = '';
  const draw = (): void => {
    const lines = treeLines(io, scene);
    const text = lines.join('\n');
    if (screen) {
      const since = Math.round((io.now() - lookedAt) / 1000);
      screen.draw(lines, [io.paint('gray', `updated ${clockTime(lookedAt)}, ${since} s ago; Ctrl-C ends`)]);
    } else if (withoutClocks(text) !== told) {
      io.out(told === '' ? text : `\n${text}`);
      told = withoutClocks(text);
    }
  };
  screen?.open();
  try {
    for (;;) {
      draw();
      if (io.signal.aborted || decided(scene.upgrade) !== undefined) {
        return decided(scene.upgrade) ?? 0;
      }
      await pause(io, 1000);
      if (io.now() - lookedAt >= LOOK_EVERY_MS && !io.signal.aborted) {
        scene = await again(cluster, first, scene, screen);
        lookedAt = io.now();
      }
    }
  } finally {
    screen?.close();
  }
}

/** A fresh scene; the last one, with a note, while the API server does not answer. */
async function again(
  cluster: Cluster,
  { upgrade }: Found,
  last: Scene,
  screen: Screen | undefined,
): Promise<Scene> {
  try {
    const scene = await gather(cluster, found(await cluster.read(upgradeTarget(upgrade))));
    screen?.say('');
    return scene;
  } catch (error) {
    screen?.say((error as Error).message);
    return last;
  }
}

const withoutClocks = (text: string): string => text.replace(/\b(\d+[dhms])+\b/g, '');

const pause = (io: Io, ms: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    io.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });

/** The picture: head, revisions with their pods, and what comes next. */
export function treeLines(io: Io, scene: Scene): string[] {
  const { upgrade, workload } = scene;
  const { kind, name } = upgrade.spec.targetRef;
  const foot = [traffic(scene), next(io, scene), ...scene.missing.map((what) => `Not shown: ${what}`)];
  const target = workload
    ? `└─ ${kind} ${name}   ${workload.updated} of ${workload.desired} updated, ${workload.available} available${strategy(scene)}`
    : `└─ ${kind} ${name}   does not exist, or cannot be read`;
  return [
    head(io, upgrade),
    ...stages(io, upgrade),
    ...left(upgrade),
    target,
    ...revisions(io, scene).map((line) => `   ${line}`),
    ...foot.filter((line) => line !== ''),
  ];
}

function head(io: Io, upgrade: Upgrade): string {
  const { metadata, status, spec } = upgrade;
  const phase = phaseOf(upgrade);
  const look = phaseLook(phase);
  const images =
    imagesText(status?.to?.images ?? {}, spec) ||
    spec.containers.map((c) => `${c.name}=${c.image}`).join(', ');
  const { counts } = status ?? {};
  return [
    `${symbol(io, look)} Upgrade ${metadata.namespace}/${metadata.name}`,
    `attempt ${status?.attempt?.number ?? 'not started'}: ${images}`,
    painted(io, look, phase),
    counts ? `${counts.passed} of ${counts.desired} passed` : '',
    gateWord(upgrade),
    unseen(upgrade) ?? '',
  ]
    .filter((part) => part !== '')
    .join('   ');
}

/** `├─ Stages   ✔ canary 1 of 1   ◌ rest 0 of 3 (Rolling)`, where an attempt goes in stages. */
function stages(io: Io, { status }: Upgrade): string[] {
  const all = (status?.stages ?? []).map(({ name, state, verified, desired }) => {
    return `${symbol(io, stageLook(state))} ${name} ${verified} of ${desired}${state === 'Done' ? '' : ` (${state})`}`;
  });
  return all.length === 0 ? [] : [`├─ Stages   ${all.join('   ')}`];
}

/** `├─ Left     node-7 Back: readiness-probe in container web exited 17 (ProbeFailed)`, a line a place. */
const left = ({ status }: Upgrade): string[] =>
  (status?.left ?? []).map(
    ({ name, state, message, reason }) => `├─ Left     ${name} ${state}: ${plain(message ?? reason)}`,
  );

function gateWord(upgrade: Upgrade): string {
  const gated = conditionOf(upgrade, 'Gated');
  return gated ? (gated.status === 'True' ? 'gate on' : `gate off (${gated.reason})`) : '';
}

function strategy({ rawWorkload, workload }: Scene): string {
  const spec = rawWorkload?.spec;
  const rolling = (at(spec, 'strategy', 'rollingUpdate') ?? at(spec, 'updateStrategy', 'rollingUpdate')) as
    | { maxSurge?: string | number; maxUnavailable?: string | number }
    | undefined;
  const parts = [
    rolling?.maxSurge === undefined ? '' : `maxSurge ${rolling.maxSurge}`,
    rolling?.maxUnavailable === undefined ? '' : `maxUnavailable ${rolling.maxUnavailable}`,
    workload && driverOf(workload).obstacle(workload)?.reason === 'WorkloadPaused' ? 'paused' : '',
  ].filter((part) => part !== '');
  return parts.length > 0 ? `; ${parts.join(', ')}` : '';
}

/** The revisions that have pods, the wanted one first. */
function revisions(io: Io, scene: Scene): string[] {
  const live = scene.pods.filter((pod) => isLive(pod) || pod.deleting);
  const groups = [...Map.groupBy(live, ({ revision }) => revision)].sort(
    ([a], [b]) =>
      Number(b === scene.updateRevision) - Number(a === scene.updateRevision) || b.localeCompare(a),
  );
  return groups.flatMap(([revision, pods], index) => {
    const last = index === groups.length - 1;
    const number = scene.revisions.find(({ hash }) => hash === revision)?.revision;
    const images = [...new Set(pods.flatMap((pod) => imagesOfPod(pod, scene.upgrade)))].join(', ');
    const role = revision === scene.updateRevision ? '(wanted)' : '(before)';
    return [
      `${last ? '└─' : '├─'} revision ${number ?? revision}   ${images}   ${io.paint('gray', role)}`,
      ...podLines(io, scene, pods).map((line) => `${last ? '  ' : '│ '} ${line}`),
    ];
  });
}

const imagesOfPod = (pod: PodView, { spec }: Upgrade): string[] =>
  pod.containers
    .filter(({ name }) => spec.containers.some((wanted) => wanted.name === name))
    .map(({ name, image }) => `${name}=${image}`);

interface Row {
  readonly cells: readonly string[];
  readonly said: string | undefined;
}

function podLines(io: Io, scene: Scene, pods: readonly PodView[]): string[] {
  const sorted = [...pods].sort((a, b) => a.name.localeCompare(b.name));
  const rows = sorted.map((pod) => podRow(io, scene, pod));
  const cells = columns(rows.map((row) => row.cells));
  return rows.flatMap(({ said }, index) => {
    const last = index === rows.length - 1;
    const bar = last ? '  ' : '│ ';
    return [
      `${last ? '└─' : '├─'} ${cells[index]}`,
      ...(said === undefined ? [] : [`${bar}     ${io.paint('gray', `“${said}”`)}`]),
    ];
  });
}

function podRow(io: Io, scene: Scene, pod: PodView): Row {
  const now = io.now();
  const running = isUnderWay(scene.upgrade.status);
  const result = running ? resultOf(scene, pod, now) : undefined;
  const report = scene.upgrade.status?.pods?.find(({ name }) => name === pod.name);
  const settled = result?.recorded ? result.state : undefined;
  const state = settled ?? report?.state ?? (result ? result.state : undefined);
  const ready = pod.conditions['Ready']?.status === 'True';
  const mark = state === undefined ? io.paint('gray', ready ? '●' : '○') : symbol(io, stateLook(state));
  return {
    cells: [
      `${mark} ${pod.name}`,
      pod.node || 'no node',
      gateCell(io, pod),
      trafficCell(scene, pod),
      state === undefined ? podState(pod, now) : checksCell(io, scene, { pod, report, result, state }),
    ],
    said: settled === 'Passed' ? undefined : words(report),
  };
}

function gateCell(io: Io, pod: PodView): string {
  if (!pod.gates.includes(VERIFIED)) {
    return 'no gate';
  }
  return isClosed(pod) ? io.paint('yellow', 'gate CLOSED') : 'gate open';
}

function trafficCell({ traffic: known }: Scene, pod: PodView): string {
  return known === undefined ? '' : takesTraffic(known.get(pod.uid)) ? 'in endpoints' : 'no traffic';
}

/** `Ready 9d`, or why it is not. */
function podState(pod: PodView, now: number): string {
  if (pod.deleting) {
    return 'terminating';
  }
  const ready = pod.conditions['Ready'];
  const waiting = pod.containers.find(({ state, role }) => state !== 'running' && role !== 'init');
  return ready?.status === 'True'
    ? `Ready ${age(now - ready.since)}`
    : waiting?.reason || `${pod.phase}, not Ready ${age(now - (ready?.since || pod.createdAt))}`;
}

interface Judged {
  readonly pod: PodView;
  readonly report: PodReport | undefined;
  readonly result: PodResult | undefined;
  readonly state: string;
}

function checksCell(io: Io, scene: Scene, { pod, report, result, state }: Judged): string {
  const codes = (report?.checks ?? []).map((check) => checkWord(io, check)).join(', ');
  const what =
    codes ||
    plain(report?.message ?? (result ? resultText(result) : '')).slice(0, 120) ||
    podState(pod, io.now());
  const deadlineAt = report?.deadlineAt ? fromIso(report.deadlineAt) : result?.deadlineAt;
  const isOpen =
    state !== 'Passed' && state !== 'Skipped' && state !== 'Failed' && !scene.upgrade.status?.paused?.since;
  if (!isOpen || deadlineAt === undefined) {
    return what;
  }
  const left = deadlineAt - io.now();
  const clock =
    left > 0
      ? `deadline in ${spanText(left)}`
      : state === 'Inconclusive'
        ? 'deadline is over without an answer'
        : 'deadline is over: one last probe';
  return `${what}   probed every ${scene.upgrade.spec.postCheck.periodSeconds}s, ${clock}`;
}

/** `readiness-probe 17 after 3 probes`. */
function checkWord(io: Io, { check, exitCode, class: kind, reason, attempts }: PodCheck): string {
  const code = paintedClass(io, kind, exitCode === undefined ? reason : String(exitCode));
  return `${check} ${code} after ${attempts === 1 ? '1 probe' : `${attempts} probes`}`;
}

/** The last words of the worst check. */
function words(report: PodReport | undefined): string | undefined {
  const output = report?.checks.find(({ output: said }) => said)?.output;
  const lines = plainLines(output ?? '');
  return lines.at(-1)?.slice(0, 300);
}

function traffic({ pods, traffic: known, upgrade }: Scene): string {
  if (known === undefined) {
    return '';
  }
  const serving = pods.filter(({ uid }) => takesTraffic(known.get(uid)));
  const unverified = serving.filter(isClosed);
  const gating = upgrade.status?.attempt?.gating === true;
  const rest =
    unverified.length > 0
      ? `; ${plural(unverified.length, 'pod')} of them behind a closed gate`
      : gating
        ? '; none of them is an unverified pod of the new version'
        : '';
  return `Traffic: ${plural(serving.length, 'pod')} in the endpoints of Services${rest}.`;
}

/** What happens when nothing changes, and when. */
function next(io: Io, scene: Scene): string {
  const { upgrade, pods } = scene;
  const { status, spec } = upgrade;
  if (!isUnderWay(status)) {
    return status?.message ? plain(status.message) : '';
  }
  if (status?.paused?.since) {
    return `Paused since ${clockTime(fromIso(status.paused.since))}: no deadline runs.`;
  }
  const open = pods
    .map((pod) => resultOf(scene, pod, io.now()))
    .filter((result) => result?.deadlineAt !== undefined && !result.recorded)
    .map((result) => result?.deadlineAt ?? 0)
    // One that is over has decided nothing: those pods wait for an answer.
    .filter((at) => at > io.now());
  if (open.length === 0) {
    const { deadlineAt } = status?.attempt ?? {};
    const until = deadlineAt
      ? `   Without further progress it ends at ${clockTime(fromIso(deadlineAt))}.`
      : '';
    return `${plain(status?.message ?? '')}${until}`;
  }
  const against = status?.pods?.some(({ state }) => state === 'Retrying') ?? false;
  const end = against
    ? endOf(upgrade, isFallingBack(status), spec.fallback.action)
    : 'Inconclusive, because no pod has returned a result';
  return `If nothing changes: ${end} at ${clockTime(Math.min(...open))}.`;
}

function endOf({ status, spec }: Upgrade, fallingBack: boolean, action: string): string {
  if (fallingBack) {
    return 'FallbackFailed';
  }
  const before = imagesText(status?.from?.images ?? {}, spec);
  return action === 'Rollback'
    ? `falls back to ${before}`
    : `Failed, without a rollback (fallback.action ${action})`;
}
