/** Draws the pods of a revision: gate, traffic, state, checks and deadline of each. Pure. */
import { isClosed } from '../../../src/api/gate.ts';
import { VERIFIED } from '../../../src/api/names.ts';
import type { Phase, PodCheck, PodReport, Upgrade } from '../../../src/api/types.ts';
import type { PodView } from '../../../src/api/views.ts';
import { resultText } from '../../../src/core/report/cause-text.ts';
import { isUnderWay } from '../../../src/core/status.ts';
import { fromIso, spanText } from '../../../src/core/time.ts';
import type { PodResult } from '../../../src/core/verification/pod-result.ts';
import { isEnding } from '../../../src/core/workload/pods.ts';
import type { Io } from './io.ts';
import { stateLook } from './looks.ts';
import { overdue } from './overdue.ts';
import { paintedClass, symbol } from './paint.ts';
import { resultOf } from './pod-result.ts';
import { type Scene, takesTraffic } from './scene.ts';
import { age, columns, fit, plain, plainLines } from './text.ts';

interface Row {
  readonly cells: readonly string[];
  /** The last line of the worst check's output. */
  readonly output: string | undefined;
}

export function podLines(io: Io, scene: Scene, pods: readonly PodView[]): string[] {
  const sorted = [...pods].sort((a, b) => a.name.localeCompare(b.name));
  const rows = sorted.map((pod) => podRow(io, scene, pod));
  const cells = columns(rows.map((row) => row.cells));
  return rows.flatMap(({ output }, index) => {
    const last = index === rows.length - 1;
    const bar = last ? '  ' : '│ ';
    return [
      `${last ? '└─' : '├─'} ${cells[index]}`,
      ...(output === undefined ? [] : [`${bar}     ${io.paint('gray', `“${output}”`)}`]),
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
    output: settled === 'Passed' ? undefined : lastLine(report),
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

/** Formats `Ready 9d`, or why the pod is not Ready. */
function podState(pod: PodView, now: number): string {
  if (isEnding(pod)) {
    return 'terminating';
  }
  const ready = pod.conditions['Ready'];
  const waiting = pod.containers.find(({ state, role }) => state !== 'running' && role !== 'init');
  return ready?.status === 'True'
    ? `Ready ${age(now - ready.since)}`
    : waiting?.reason || `${pod.phase}, not Ready ${age(now - (ready?.since || pod.createdAt))}`;
}

interface EvaluatedPod {
  readonly pod: PodView;
  readonly report: PodReport | undefined;
  readonly result: PodResult | undefined;
  readonly state: string;
}

/** The longest texts of a pod, in columns. */
const MAX_MESSAGE = 120;
const MAX_OUTPUT = 300;

const SETTLED: readonly string[] = ['Passed', 'Skipped', 'Failed'];

/** No deadline runs while an attempt is paused or waits, and no pod is probed once it has failed. */
const isAtRest = ({ status }: Upgrade): boolean =>
  status?.paused?.since !== undefined ||
  status?.waiting !== undefined ||
  (status?.attempt?.end !== undefined && GIVEN_UP.includes(status.phase ?? 'Pending'));

const GIVEN_UP: readonly Phase[] = ['FallbackFailed', 'Failed', 'FellBack', 'Aborted'];

function checksCell(io: Io, scene: Scene, { pod, report, result, state }: EvaluatedPod): string {
  const codes = (report?.checks ?? []).map((check) => checkWord(io, check)).join(', ');
  const what =
    codes ||
    fit(plain(report?.message ?? (result ? resultText(result) : '')), MAX_MESSAGE) ||
    podState(pod, io.now());
  const deadlineAt = report?.deadlineAt ? fromIso(report.deadlineAt) : result?.deadlineAt;
  const isOpen = !SETTLED.includes(state) && !isAtRest(scene.upgrade);
  if (!isOpen || deadlineAt === undefined) {
    return what;
  }
  const left = deadlineAt - io.now();
  const clock =
    left > 0
      ? `deadline in ${spanText(left)}`
      : state === 'Inconclusive'
        ? 'deadline is over without an answer'
        : overdue(deadlineAt, io.now())
          ? 'deadline is over, and nothing is decided'
          : 'deadline is over: one last probe';
  return `${what}   probed every ${scene.upgrade.spec.postCheck.periodSeconds}s, ${clock}`;
}

/** Formats `readiness-probe 17 after 3 probes`. */
function checkWord(io: Io, { check, exitCode, class: kind, reason, attempts }: PodCheck): string {
  const code = paintedClass(io, kind, exitCode === undefined ? reason : String(exitCode));
  return `${check} ${code} after ${attempts === 1 ? '1 probe' : `${attempts} probes`}`;
}

/** Returns the last line of the output of the first check that has not passed: what one that passed has printed explains nothing. */
function lastLine(report: PodReport | undefined): string | undefined {
  const output = report?.checks.find(({ class: kind, output: text }) => kind !== 'Pass' && text)?.output;
  const lines = plainLines(output ?? '');
  const last = lines.at(-1);
  return last === undefined ? undefined : fit(last, MAX_OUTPUT);
}
