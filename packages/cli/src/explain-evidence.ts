/** Explains the evidence against a version: the rules that apply, what the checks printed, and which nodes are affected. Pure. */
import { effectiveChecks } from '../../../src/api/checks.ts';
import { own } from '../../../src/api/own.ts';
import type { PodCheck, PodReport, Upgrade, UpgradeSpec } from '../../../src/api/types.ts';
import { completeStatus } from '../../../src/core/complete-status.ts';
import { explainedText } from '../../../src/core/report/left-text.ts';
import { spanText } from '../../../src/core/time.ts';
import { covers, evaluateTry } from '../../../src/core/verification/exit-codes.ts';
import { plural } from './looks.ts';
import { moment, plain, plainLines } from './text.ts';

/** The exit-code rules that apply to the worst results. A check without a response has decided nothing. */
export function rules(spec: UpgradeSpec, worst: readonly PodReport[], isDecided: boolean): string[] {
  const checks = worst.flatMap(({ checks: all }) => all);
  const applied = checks
    .filter(({ class: kind }) => kind !== 'Pass' && kind !== 'Skip' && !(isDecided && kind === 'Error'))
    .map((check) => ruleText(spec, check));
  return [...new Set(applied)].slice(0, 4);
}

function ruleText(spec: UpgradeSpec, tried: PodCheck): string {
  const check = effectiveChecks(spec).find(({ name }) => name === tried.check);
  if (!check || tried.exitCode === undefined) {
    return tried.class === 'Error'
      ? `${tried.check} returned no result, which is no evidence for or against the version, so it is probed again`
      : consequence(spec, `${tried.check}: ${tried.class}, ${tried.reason}`, tried.class);
  }
  const code = tried.exitCode;
  const rule = check.exitCodes.find((candidate) => covers(candidate, code));
  const { class: kind, reason } = evaluateTry(
    check,
    { kind: 'exit', code, output: tried.output ?? '' },
    { inFallback: false, podReady: true },
  );
  const source = rule
    ? `${check.name} has the rule ${rule.codes} for ${code}`
    : `${check.name} has no rule for ${code}, so the default table applies`;
  return consequence(spec, `${source}: ${kind}, ${reason}`, kind);
}

/** The result and what follows from it. */
function consequence(spec: UpgradeSpec, result: string, kind: string): string {
  const deadline = spanText(spec.postCheck.deadlineSeconds * 1000);
  return `${result}; ${own(CONSEQUENCES, kind) ?? ''}`.replace('%deadline', deadline);
}

const CONSEQUENCES: Readonly<Record<string, string>> = {
  Retry: 'probed again until the deadline of %deadline, then the pod fails',
  Fail: 'the pod fails immediately',
  Error: 'no evidence, probed again',
  Pass: 'passed',
  Skip: 'nothing to check',
};

/** The last output of the worst checks, each once, with the number of pods that printed it. */
export function outputs(worst: readonly PodReport[], now: number): string[] {
  const printed = worst.flatMap(({ name, checks }) =>
    checks
      // A probe without a result has no output.
      .filter(({ class: kind }) => kind !== 'Pass' && kind !== 'Skip' && kind !== 'Error')
      .slice(0, 1)
      .map((check) => ({ name, check, lines: lastLines(check) })),
  );
  return [...Map.groupBy(printed, ({ lines }) => lines)].slice(0, 3).map(([lines, pods]) => {
    const [first] = pods;
    const who = pods.length === 1 ? first?.name : plural(pods.length, 'pod');
    const code = first?.check.exitCode === undefined ? '' : `, exit ${first.check.exitCode}`;
    return `${lines}   (${who}, last ${moment(first?.check.lastAt, now)}${code})`;
  });
}

function lastLines({ output, message }: PodCheck): string {
  const lines =
    plainLines(output ?? '')
      .slice(-2)
      .join(' | ') || plain(message ?? '');
  return lines.slice(0, 300) || '(none)';
}

/**
 * Shows whether one node is affected or all, counting only what the status names. For a version that fell back these are the pods that caused
 * the fallback, and the codes of all; the current pods run another version and are no evidence.
 */
export function spread({ status }: Upgrade): string[] {
  const { evidence = [], exitCodes: before } = status?.fallback ?? {};
  const isOver = evidence.length > 0;
  const pods = isOver ? evidence : (status?.pods ?? []);
  const bad = pods.filter(
    ({ state }) => state === 'Failed' || state === 'Retrying' || state === 'Inconclusive',
  );
  const good = pods.filter(({ state }) => state === 'Passed');
  const nodes = [...new Set(bad.map(({ node }) => node ?? 'no node'))];
  const codes = ((isOver ? before : status?.exitCodes) ?? [])
    .filter(({ class: kind }) => kind !== 'Pass')
    .map(({ check, code, pods: count }) => `${check} ${code} on ${plural(count, 'pod')}`);
  const explained = explainedText(completeStatus(status));
  const common = explained === '' ? [] : [explained];
  if (bad.length === 0) {
    return [...common, ...codes];
  }
  const only = nodes.length === 1 && good.some(({ node }) => node !== nodes[0]);
  const place = `${plural(bad.length, 'reported pod')} on ${nodes.slice(0, 5).join(', ')}`;
  return [`${place}${only ? `: only there, so check ${nodes[0]} first` : ''}`, ...common, ...codes];
}
