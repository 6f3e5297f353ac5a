/** Finds what the API server accepts, and what the operator could not act on, or what would have no effect. Pure. */
import { stringify } from 'yaml';
import type { Upgrade, UpgradeSpec } from '../../../src/api/types.ts';
import type { WorkloadView } from '../../../src/api/views.ts';
import { type Dependent, findCycle } from '../../../src/core/decision/dependencies.ts';
import { effectiveSpec } from '../../../src/core/effective-spec.ts';
import { obstacleText } from '../../../src/core/report/obstacle-text.ts';
import { type Amount, podCount } from '../../../src/core/rollout/amount.ts';
import { budgetOf } from '../../../src/core/rollout/budget.ts';
import { isTimeZone } from '../../../src/core/windows.ts';
import { driverOf } from '../../../src/core/workload/drivers.ts';
import { imageError, imageWarning } from './image-reference.ts';
import { plural } from './looks.ts';

/** What is wrong at a path, such as `spec.windows[0].timeZone`. */
export type Said = readonly [path: string, message: string];

/** Time zones that this machine does not know, which are those that the operator does not know. */
export const unknownTimeZones = ({ windows = [] }: UpgradeSpec): Said[] =>
  windows.flatMap(({ timeZone }, index): Said[] =>
    isTimeZone(timeZone)
      ? []
      : [[`spec.windows[${index}].timeZone`, obstacleText({ reason: 'TimeZoneUnknown', timeZone })]],
  );

/** Images that no pod could run. */
export const impossibleImages = (spec: UpgradeSpec): Said[] => ofImages(spec, imageError);

/** Images that are only a tag, or that have none. */
export const doubtfulImages = (spec: UpgradeSpec): Said[] =>
  ofImages(spec, (image, word) => (imageError(image) === undefined ? imageWarning(image, word) : undefined));

const ofImages = (
  { containers }: UpgradeSpec,
  find: (image: string, word: string) => string | undefined,
): Said[] =>
  containers.flatMap(({ image }, index): Said[] => {
    const found = find(image, 'it');
    return found === undefined ? [] : [[`spec.containers[${index}].image`, found]];
  });

/** Deadlines that leave a pod no regular second probe. */
export function shortDeadlines({ postCheck, fallback }: UpgradeSpec): Said[] {
  const { periodSeconds, checks, deadlineSeconds, failureThreshold } = postCheck;
  const probesUntilDeadline = checks?.length !== 0 && failureThreshold === 0;
  const deadlines: readonly [string, number | undefined][] = [
    ['spec.postCheck.deadlineSeconds', deadlineSeconds],
    ['spec.fallback.deadlineSeconds', fallback.deadlineSeconds],
  ];
  return deadlines
    .filter(([, seconds]) => probesUntilDeadline && seconds !== undefined && seconds <= periodSeconds)
    .map(([path, seconds]) => [
      path,
      `${seconds} is not longer than periodSeconds (${periodSeconds}): a pod that does not pass its first probe is probed once more at most, at the deadline`,
    ]);
}

/** What only a shell understands, as a word of its own. */
const SHELL_WORD = /^(\||\|\||&&?|;|[12]?>>?|<|2>&1|\$\w+|\$\{\w+\}|\$\(.+\))$/;

/** Commands that are written as for a shell, which runs none of them. */
export const shellCommands = (spec: UpgradeSpec): Said[] =>
  (spec.postCheck.checks ?? []).flatMap(({ exec }, index): Said[] => {
    const [program = '', ...words] = exec?.command ?? [];
    const path = `spec.postCheck.checks[${index}].exec.command`;
    if (/\S\s+\S/.test(program)) {
      return [[`${path}[0]`, `is the name of the program, with spaces in it: write ${listText(program)}`]];
    }
    const option = words.indexOf('-c');
    if (option >= 0) {
      return unreadWords(program, words, option).map((message): Said => [path, message]);
    }
    const word = words.find((one) => SHELL_WORD.test(one));
    return word === undefined
      ? []
      : [
          [
            path,
            `no shell runs it, so ${word} is only text: write ${listText([program, ...words].join(' '))}`,
          ],
        ];
  });

/** A shell runs only the one word after `-c`; those after it are the script's `$0`, `$1`, …. */
function unreadWords(program: string, words: readonly string[], option: number): string[] {
  const [script = '', ...rest] = words.slice(option + 1);
  const isUnread = /(^|\/)(ba|da|a|k|z)?sh$/.test(program) && rest.length > 0 && !script.includes('$');
  const whole = [program, ...words.slice(0, option + 1), JSON.stringify([script, ...rest].join(' '))];
  return isUnread ? [`the shell runs only ${script}: write [${whole.join(', ')}]`] : [];
}

/** Returns the list for a command line, which a shell runs if it has anything that only a shell understands. */
export function listText(line: string): string {
  const words = line.trim().split(/\s+/);
  return words.some((word) => SHELL_WORD.test(word) || /['"`$;|&<>]/.test(word))
    ? `[sh, -c, ${JSON.stringify(line)}]`
    : // In quotes what would not be text without them, such as 10 or, for kubectl, yes.
      stringify(words, {
        collectionStyle: 'flow',
        flowCollectionPadding: false,
        lineWidth: 0,
        compat: 'yaml-1.1',
      }).trim();
}

/** A cycle of dependencies through these Upgrades of one namespace. */
export function cycleThrough(upgrade: Dependent, others: readonly Dependent[]): Said[] {
  const cycle = findCycle(upgrade, (name) => others.find(({ metadata }) => metadata.name === name));
  return cycle ? [['spec.dependsOn', obstacleText({ reason: 'DependencyCycle', cycle })]] : [];
}

/** Dependencies that are neither stored nor in the same files. */
export const missingDependencies = (
  { metadata: { namespace }, spec: { dependsOn = [] } }: Pick<Upgrade, 'metadata' | 'spec'>,
  existing: readonly string[],
): Said[] =>
  dependsOn.flatMap(({ name }, index): Said[] =>
    existing.includes(name)
      ? []
      : [
          [
            `spec.dependsOn[${index}]`,
            obstacleText({ reason: 'DependencyNotFound', upgrade: name, namespace }),
          ],
        ],
  );

/** What is known of the cluster; without one only counts can be compared with counts, and percentages with percentages. */
export interface Known {
  readonly desired?: number | undefined;
  /** How many nodes the stage of this index selects. */
  readonly nodes?: ReadonlyMap<number, number>;
}

type Stage = NonNullable<NonNullable<UpgradeSpec['strategy']>['stages']>[number];

const unitOf = (amount: Amount, { desired }: Known): 'pods' | '%' =>
  desired === undefined && typeof amount === 'string' ? '%' : 'pods';

const sizeOf = (amount: Amount, { desired }: Known): number =>
  desired === undefined ? Number.parseInt(String(amount), 10) : podCount(amount, desired);

/** Stages that add no pod to those before them, whose pods count, and stages that select no node. */
export function emptyStages({ strategy }: UpgradeSpec, known: Known = {}): Said[] {
  const reached = { pods: 0, '%': 0 };
  return (strategy?.stages ?? []).flatMap((stage, index): Said[] => {
    const path = `spec.strategy.stages[${index}]`;
    if (stage.nodes) {
      const nodes = known.nodes?.get(index);
      reached.pods = Math.max(reached.pods, Math.min(nodes ?? 0, known.desired ?? 0));
      return nodes === 0 ? [[`${path}.nodes`, noNodeText(stage)]] : [];
    }
    if (stage.pods === undefined) {
      return [];
    }
    const unit = unitOf(stage.pods, known);
    const [before, size] = [reached[unit], sizeOf(stage.pods, known)];
    reached[unit] = Math.max(before, size);
    return before > 0 && size <= before
      ? [
          [
            `${path}.pods`,
            `adds no pod: the pods of earlier stages count, and those have ${unit === '%' ? `${before}%` : plural(before, 'pod')} already`,
          ],
        ]
      : [];
  });
}

const noNodeText = ({ nodes }: Stage): string =>
  `selects no node: none has ${Object.entries(nodes?.matchLabels ?? {})
    .map(([label, value]) => `${label}=${value}`)
    .join(',')}`;

/** Settings that have no effect on this workload. */
export function withoutEffect(spec: UpgradeSpec, workload: WorkloadView): Said[] {
  const { kind, name, desired } = workload;
  const maxFailed = spec.strategy?.failureBudget?.maxFailed;
  const isNone = maxFailed !== undefined && maxFailed !== 0 && maxFailed !== '0%' && desired > 0;
  const budget: Said[] =
    isNone && budgetOf(effectiveSpec(spec), desired) === 0
      ? [
          [
            'spec.strategy.failureBudget.maxFailed',
            `${maxFailed} of ${plural(desired, 'pod')} is 0, because it is rounded down: the first pod that fails rolls back the version`,
          ],
        ]
      : [];
  const isOurs = driverOf(workload).lever(workload) === 'deletion';
  const parallel = isOurs ? [] : parallelPaths(spec);
  return [
    ...budget,
    ...parallel.map(
      (path): Said => [
        path,
        `has no effect: the controller of ${kind} ${name} replaces the pods, within the limits of its own update strategy`,
      ],
    ),
  ];
}

/** Where the spec limits how many pods postcheck replaces at once. */
function parallelPaths({ strategy, fallback }: UpgradeSpec): string[] {
  const limits: readonly [string, Amount | undefined][] = [
    ['spec.strategy.maxParallel', strategy?.maxParallel],
    ...(strategy?.stages ?? []).map(({ maxParallel }, index): [string, Amount | undefined] => [
      `spec.strategy.stages[${index}].maxParallel`,
      maxParallel,
    ]),
    ['spec.fallback.maxParallel', fallback.maxParallel],
  ];
  return limits.filter(([, limit]) => limit !== undefined).map(([path]) => path);
}
