/** Pods in the status: the worst ones with the results of their checks, and the exit codes of all. */
import { cut } from '../../api/cut.ts';
import { kubernetesReason } from '../../api/reasons.ts';
import type { PodCheck, PodReport, UpgradeStatus } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import { toIso } from '../time.ts';
import { worstTriesFirst } from '../verification/failure-cause.ts';
import type { PodResult } from '../verification/pod-result.ts';
import { type TryRecord, triesOf } from '../verification/probe-cycle.ts';
import { resultText } from './cause-text.ts';
import { verdictText } from './verdict-text.ts';

const MAX_REPORTED = 20;
const MAX_HISTOGRAM = 32;
const MAX_MESSAGE = 1000;
const MAX_CHECK_MESSAGE = 500;
const MAX_ENDS = 4;
/** Output of all reported pods together, so that the status stays small however many pods there are. */
const MAX_OUTPUT_TOTAL = 24_000;
/** The number of tries listed for one pod, worst first. Sixteen checks in many containers would exceed the limit of the CRD; exitCodes counts all of them. */
const MAX_TRIES = 8;

type Row = NonNullable<UpgradeStatus['exitCodes']>[number];

/** Histogram of the last exit codes of the pods, of which `stored` has those that another process has seen. */
export function exitCodes(results: readonly PodResult[], stored: readonly Row[] = []): Row[] {
  const rows = new Map<string, Row>();
  for (const row of [...seenRows(results), ...keptRows(results, stored)]) {
    const key = `${row.check}/${row.container}/${row.code}`;
    const before = rows.get(key);
    rows.set(key, before ? { ...before, pods: before.pods + row.pods } : row);
  }
  return [...rows.values()].sort((a, b) => b.pods - a.pods || a.code - b.code).slice(0, MAX_HISTOGRAM);
}

/** Only one pod of each group with the same codes is examined. */
const seenRows = (results: readonly PodResult[]): Row[] =>
  [...groupByCodes(results)].flatMap(([{ record }, pods]) =>
    triesOf(record).flatMap(({ check, container, verdict: { exitCode: code, class: of, reason } }) =>
      code === undefined ? [] : [{ check, container, code, class: of, reason, pods }],
    ),
  );

/** The result of a pod is stored with the pod, its tries are not: of pods that an earlier process has verified, what is stored of their codes is kept. */
function keptRows(results: readonly PodResult[], stored: readonly Row[]): Row[] {
  const unseen = stored.length > 0 ? results.filter(({ recorded, record }) => recorded && !record) : [];
  const failed = unseen.filter(({ state }) => state === 'Failed').length;
  return stored
    .map((row) => {
      const isPass = row.class === 'Pass' || row.class === 'Skip';
      return { ...row, pods: Math.min(row.pods, isPass ? unseen.length - failed : failed) };
    })
    .filter(({ pods }) => pods > 0);
}

/** The first result of each group with the same codes, and the size of the group. */
function groupByCodes(results: readonly PodResult[]): Iterable<[first: PodResult, pods: number]> {
  const groups = new Map<string, [PodResult, number]>();
  let last: [PodResult, number] | undefined;
  for (const result of results) {
    const group = last?.[0].codes === result.codes ? last : groups.get(result.codes);
    if (group) {
      group[1] += 1;
    } else {
      groups.set(result.codes, [result, 1]);
    }
    last = group ?? groups.get(result.codes);
  }
  return groups.values();
}

/** The pods for the status, at most 20, worst first. */
export function report(results: readonly PodResult[]): PodReport[] {
  const outputLeft = { characters: MAX_OUTPUT_TOTAL };
  return results.slice(0, MAX_REPORTED).map((result) => podReport(result, outputLeft));
}

function podReport(result: PodResult, outputLeft: { characters: number }): PodReport {
  const { pod, state, cause, record, deadlineAt } = result;
  return {
    name: pod.name,
    node: pod.node || undefined,
    state,
    reason: cause.reason,
    message: cut(resultText(result), MAX_MESSAGE),
    deadlineAt: deadlineAt === undefined ? undefined : toIso(deadlineAt),
    ...lastEnds(pod),
    checks: worstTriesFirst(triesOf(record))
      .slice(0, MAX_TRIES)
      .map((one) => checkReport(one, outputLeft)),
  };
}

function checkReport(one: TryRecord, left: { characters: number }): PodCheck {
  const { check, container, verdict, attempts, timeouts, firstAt, lastAt } = one;
  const output = cut(verdict.output, left.characters);
  left.characters -= output.length;
  const message = verdictText(verdict);
  return {
    check,
    container,
    exitCode: verdict.exitCode,
    class: verdict.class,
    reason: verdict.reason,
    message: message ? cut(message, MAX_CHECK_MESSAGE) : undefined,
    output: output || undefined,
    attempts,
    timeouts: timeouts || undefined,
    firstAt: toIso(firstAt),
    lastAt: toIso(lastAt),
  };
}

/** The last unsuccessful termination of each container. Kubernetes forgets it together with the pod. */
function lastEnds({ containers }: PodView): Pick<PodReport, 'lastEnds'> {
  const ends = containers
    .flatMap(({ name: container, ended, exitCode }) => {
      if (!ended || !exitCode) {
        return [];
      }
      const message = ended.message ? cut(ended.message, MAX_CHECK_MESSAGE) : undefined;
      return [{ container, reason: kubernetesReason(ended.reason), exitCode, message }];
    })
    .slice(0, MAX_ENDS);
  return ends.length > 0 ? { lastEnds: ends } : {};
}
