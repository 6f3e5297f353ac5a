/** Collects the evidence against the version: the worst pod with its output, and the codes by node, image and zone. Pure. */
import type { Class } from '../../../../src/api/enums.ts';
import { own } from '../../../../src/api/own.ts';
import type { PodCheck, PodReport } from '../../../../src/api/types.ts';
import { fromIso } from '../../../../src/core/time.ts';
import { classLook, type Look } from '../looks.ts';
import { plainLines } from '../text.ts';
import { short } from './card.ts';
import type { Evidence, Place, Split, WorstCheck } from './model.ts';
import { type LaneSources, zoneOf } from './sources.ts';

const MAX_LINES = 40;
const MAX_ROWS = 12;
const BAD_CLASSES: readonly Class[] = ['Fail', 'Retry', 'Error'];

export function evidenceOf({ scene, recording, nodes }: LaneSources): Evidence {
  const { status } = scene.upgrade;
  const against = status?.fallback?.evidence ?? [];
  const now = status?.pods ?? [];
  const isOver = against.length > 0;
  const bad = [...against, ...now].filter(({ state }) => state !== 'Passed' && state !== 'Skipped');
  const counted = isOver ? withSeen(against, recording) : now;
  const place = (report: PodReport): Place & { readonly image: string } => {
    const node = short(report.node, 253);
    return { node, zone: zoneOf(node, nodes), image: imageOf(report, isOver, { scene, recording }) };
  };
  const [worst] = bad;
  return {
    ...(worst
      ? {
          worst: {
            pod: short(worst.name, 253),
            ...place(worst),
            checks: worst.checks.slice(0, 8).map(checkOf),
            ends: (worst.lastEnds ?? []).map(
              ({ container, reason, exitCode, message }) =>
                `${short(container, 63)} ended with ${exitCode} (${short(reason, 64)})${message ? `: ${short(message)}` : ''}`,
            ),
          },
        }
      : {}),
    splits: (['node', 'image', 'zone'] as const)
      .map((by) =>
        splitBy(
          by,
          counted.map((report) => ({ report, name: place(report)[by] })),
        ),
      )
      .filter(({ by, rows }) => rows.length > 0 && (by !== 'zone' || rows.some(({ name }) => name !== ''))),
    counted: counted.length,
    desired: status?.counts?.desired ?? 0,
  };
}

/** The status lists at most three pods as evidence; other recorded pods of that version are counted too. */
function withSeen(against: readonly PodReport[], { lives }: LaneSources['recording']): readonly PodReport[] {
  const names = new Set(against.map(({ name }) => name));
  const seen = [...lives.values()].flatMap(({ version, report, pod }) =>
    version === 'wanted' && report && !names.has(pod.name) ? [report] : [],
  );
  return [...against, ...seen];
}

/** Returns the image of a pod: if the version failed, the failed one, because a pod with that name may run another one now. */
function imageOf(
  { name }: PodReport,
  isOver: boolean,
  { scene: { upgrade }, recording }: Pick<LaneSources, 'scene' | 'recording'>,
): string {
  const named = upgrade.spec.containers.map((wanted) => wanted.name);
  const recorded = [...recording.lives.values()].findLast(
    ({ pod, version }) => pod.name === name && (version === 'wanted' || !isOver),
  );
  const running = recorded?.pod.containers.filter((container) => named.includes(container.name));
  const wanted = named.flatMap((container) => own(upgrade.status?.to?.images, container) ?? []);
  return short((running?.map(({ image }) => image) ?? wanted).join(', '));
}

function checkOf(check: PodCheck): WorstCheck {
  const lines = plainLines(check.output ?? '').map((line) => short(line));
  const omitted = lines.length - MAX_LINES;
  return {
    check: short(check.check, 63),
    container: short(check.container, 63),
    code: check.exitCode === undefined ? '' : String(check.exitCode),
    class: check.class,
    reason: short(check.reason, 64),
    message: short(check.message),
    output: omitted > 0 ? [...lines.slice(0, 10), `… ${omitted} lines …`, ...lines.slice(-30)] : lines,
    attempts: check.attempts,
    firstAt: fromIso(check.firstAt),
    lastAt: fromIso(check.lastAt),
  };
}

function splitBy(by: Split['by'], counted: readonly { report: PodReport; name: string }[]): Split {
  const rows = [...Map.groupBy(counted, ({ name }) => name)].map(([name, reports]) => ({
    name,
    codes: [...Map.groupBy(reports, ({ report }) => codeOf(report))].map(([text, same]) => ({
      text,
      look: lookOfReport(same[0]?.report),
      pods: same.length,
    })),
  }));
  return {
    by,
    rows: rows.sort((a, b) => badIn(b) - badIn(a) || a.name.localeCompare(b.name)).slice(0, MAX_ROWS),
  };
}

const badIn = ({ codes }: Split['rows'][number]): number =>
  codes.reduce((sum, { look, pods }) => sum + (look === 'good' || look === 'still' ? 0 : pods), 0);

/** Returns the check that decides about a pod: the worst one. */
const worstCheck = ({ checks }: PodReport): PodCheck | undefined =>
  checks.find((check) => BAD_CLASSES.includes(check.class)) ?? checks[0];

function codeOf(report: PodReport): string {
  const check = worstCheck(report);
  if (!check) {
    return short(report.reason, 64);
  }
  return check.exitCode === undefined ? short(check.reason, 64) : `exit ${check.exitCode}`;
}

function lookOfReport(report: PodReport | undefined): Look {
  const check = report && worstCheck(report);
  return check ? classLook(check.class) : report?.state === 'Passed' ? 'good' : 'unsure';
}
