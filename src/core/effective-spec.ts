/**
 * The spec as decisions use it: what the user omitted has its default. The API server fills in constants; here are the defaults that depend
 * on other fields, and those of objects that must stay absent in what the user wrote.
 */
import { effectiveChecks } from '../api/checks.ts';
import type { UpgradeSpec } from '../api/types.ts';
import { type Defaulted, oncePer } from './defaults.ts';
import type { Amount } from './rollout/amount.ts';

type Strategy = NonNullable<UpgradeSpec['strategy']>;

export interface EffectiveSpec extends UpgradeSpec {
  readonly preCheck: NonNullable<UpgradeSpec['preCheck']>;
  readonly strategy: Defaulted<Strategy, 'maxParallel' | 'failureBudget' | 'explainBy'>;
  readonly postCheck: Defaulted<UpgradeSpec['postCheck'], 'checks' | 'rolloutChecks'>;
  readonly fallback: Defaulted<UpgradeSpec['fallback'], 'deadlineSeconds' | 'maxParallel'>;
  readonly progressDeadlineSeconds: number;
  readonly windows: NonNullable<UpgradeSpec['windows']>;
  readonly dependsOn: NonNullable<UpgradeSpec['dependsOn']>;
  /** In order, the last of them for all remaining pods; none where an attempt proceeds in one step and ends with its last pod. */
  readonly stages: readonly Stage[];
}

export interface Stage {
  readonly name: string;
  readonly pods?: Amount;
  readonly nodes?: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly maxParallel: Amount;
  readonly soakSeconds: number;
  readonly needsApproval: boolean;
}

/** Fills in what the user omitted. */
export const effectiveSpec = oncePer((spec: UpgradeSpec): EffectiveSpec => {
  const { postCheck, fallback } = spec;
  const strategy = { maxParallel: 1, failureBudget: { maxFailed: 0 }, explainBy: [], ...spec.strategy };
  return {
    progressDeadlineSeconds: Math.max(600, postCheck.initialDelaySeconds + postCheck.deadlineSeconds + 300),
    preCheck: { baseline: 'Record' },
    windows: [],
    dependsOn: [],
    ...spec,
    strategy,
    postCheck: { rolloutChecks: [], ...postCheck, checks: effectiveChecks(spec) },
    fallback: {
      deadlineSeconds: postCheck.deadlineSeconds,
      maxParallel: strategy.maxParallel,
      ...fallback,
    },
    stages: stagesOf(strategy, postCheck),
  };
});

type Listed = NonNullable<Strategy['stages']>;

function stagesOf(
  { stages = [], soakSeconds = 0, approval, maxParallel }: Strategy & Pick<Stage, 'maxParallel'>,
  postCheck: UpgradeSpec['postCheck'],
): readonly Stage[] {
  const all = withLast(stages, postCheck);
  return all.map((stage, index) => {
    const isLast = index === all.length - 1;
    return {
      ...stage,
      maxParallel: stage.maxParallel ?? maxParallel,
      soakSeconds: stage.soakSeconds ?? (isLast ? postCheck.soakSeconds : undefined) ?? soakSeconds,
      needsApproval: (stage.approval ?? approval) === 'Manual',
    };
  });
}

/** The user may omit the stage for the remaining pods. A soak, or checks of the rollout, need a stage that they belong to. */
function withLast(stages: Listed, { soakSeconds, rolloutChecks = [] }: UpgradeSpec['postCheck']): Listed {
  const last = stages.at(-1);
  if (last) {
    const isLimited = last.pods !== undefined || last.nodes !== undefined;
    return isLimited ? [...stages, { name: unusedName(stages) }] : stages;
  }
  return soakSeconds || rolloutChecks.length > 0 ? [{ name: 'all' }] : [];
}

const unusedName = (stages: Listed): string =>
  ['rest', 'remaining', 'everything-else'].find((name) => stages.every((stage) => stage.name !== name)) ??
  'last';
