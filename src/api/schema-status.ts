/** What users read: the status, which is also all of the operator's state. */
import { Type } from 'typebox';
import { type ConditionType, type Outcome, PHASES, type Phase } from './enums.ts';
import { UNSEEN } from './names.ts';
import type { AnyReason } from './reasons.ts';
import {
  Attempt,
  Explained,
  Fallback,
  From,
  Left,
  RolloutChecks,
  Stages,
  To,
  TurnedBack,
  Waiting,
} from './schema-attempt.ts';
import { count, images, listMap, oneOf, text, time } from './schema-parts.ts';
import { ExitCodes, PodReport } from './schema-report.ts';
import type { CommandResult } from './verbs.ts';

const generation = (description: string) => Type.Integer({ format: 'int64', minimum: 0, description });
const attemptNumber = (description: string) => Type.Integer({ format: 'int32', description });

const Condition = Type.Object({
  type: Type.Unsafe<ConditionType>(
    text('`Ready`, `Reconciling`, `Stalled`, `Verified`, `FallenBack` or `Gated`.', 316),
  ),
  status: oneOf(['True', 'False', 'Unknown'], { description: 'Status of the condition.' }),
  reason: Type.Unsafe<AnyReason | Phase>({
    type: 'string',
    maxLength: 1024,
    description: 'Why, in one CamelCase word.',
  }),
  message: text('Why, in one sentence.', 32768),
  lastTransitionTime: time('When `status` last changed.'),
  observedGeneration: generation('Generation of the Upgrade that the condition is about.'),
});

const Command = (description: string) =>
  Type.Optional(
    Type.Object(
      {
        token: text('Value of the annotation.', 256),
        at: time('When the command took effect.'),
        result: Type.Unsafe<CommandResult>(text('Result of the command, in one CamelCase word.', 64)),
      },
      { description },
    ),
  );

export const StatusSchema = Type.Object({
  observedGeneration: Type.Optional(
    Type.Integer({
      format: 'int64',
      minimum: UNSEEN,
      description:
        'Generation of the spec that this status is about; -1 until postcheck has observed the Upgrade.',
    }),
  ),
  targetUID: Type.Optional(text('UID of the workload that this status is about.', 64)),
  targetGeneration: Type.Optional(
    Type.Integer({
      minimum: 0,
      format: 'int64',
      description:
        "The workload's generation at the last step of an attempt or fallback. An older cached workload is ignored.",
    }),
  ),
  checks: Type.Optional(
    Type.Array(Type.String({ maxLength: 63 }), {
      maxItems: 16,
      description: 'Names of the checks that every pod must pass; empty means readiness only.',
    }),
  ),
  phase: Type.Optional(oneOf(PHASES, { description: 'Phase of the Upgrade.' })),
  headline: Type.Optional(text('The start of `message`, in at most 100 characters.', 100)),
  message: Type.Optional(text('What runs now and why, in one sentence.')),
  summary: Type.Optional(text('Passed and desired pods, such as `3/3`.', 32)),
  conditions: Type.Optional(
    Type.Array(Condition, {
      maxItems: 16,
      description: 'One condition of each type; kstatus reads the first three.',
      ...listMap('type'),
    }),
  ),
  attempt: Attempt,
  from: From,
  to: To,
  stage: Type.Optional(text('The current stage, such as `2/4 canary`.', 80)),
  stages: Stages,
  rolloutChecks: RolloutChecks,
  waiting: Waiting,
  left: Left,
  turnedBack: TurnedBack,
  explained: Explained,
  lastVerified: Type.Optional(
    Type.Object(
      {
        images: images('Image by container name.'),
        revision: Type.Optional(text('Revision label of the pods that passed.', 253)),
        verifiedAt: time('When the last pod passed.'),
        pods: count('Pods that passed.'),
      },
      { description: 'The last verified set of images.' },
    ),
  ),
  quarantined: Type.Optional(
    Type.Object(
      {
        images: images('Image by container name.'),
        attempt: attemptNumber('Number of the attempt that failed with these images.'),
      },
      { description: 'The set of images that fell back; not retried automatically.' },
    ),
  ),
  counts: Type.Optional(
    Type.Object(
      {
        desired: count('Desired pods.'),
        updated: count('Pods of the wanted revision.'),
        ready: count('Updated pods that are Ready.'),
        passed: count('Pods that passed.'),
        retrying: count('Pods on which a check does not pass yet.'),
        failed: count('Pods that failed verification.'),
        inconclusive: count('Pods that could not be probed until their deadline.'),
        skipped: count('Pods on which every check was skipped.'),
      },
      { description: 'Numbers of pods; the last five add up to `desired` once all pods exist.' },
    ),
  ),
  exitCodes: ExitCodes('Last exit codes of all pods, most frequent first.'),
  pods: Type.Optional(Type.Array(PodReport, { maxItems: 20, description: 'At most 20 pods, worst first.' })),
  fallback: Fallback,
  paused: Type.Optional(
    Type.Object(
      {
        since: Type.Optional(time('Set while paused.')),
        resumedAt: Type.Optional(time('When it was last resumed.')),
        seconds: Type.Optional(count('Total pause in this attempt.')),
      },
      { description: 'How long `spec.paused` has stopped the deadlines.' },
    ),
  ),
  commands: Type.Optional(
    Type.Object(
      {
        retry: Command('Last `postcheck.dev/retry` token.'),
        abort: Command('Last `postcheck.dev/abort` token.'),
        approve: Command('Last `postcheck.dev/approve` token.'),
        promote: Command('Last `postcheck.dev/promote` token.'),
      },
      { description: 'Commands by annotation that took effect.' },
    ),
  ),
  history: Type.Optional(
    Type.Array(
      Type.Object({
        attempt: attemptNumber('Number of the attempt.'),
        images: images('Image by container name that it rolled to.'),
        outcome: Type.Unsafe<Outcome>(
          text('Succeeded, Partial, FellBack, FallbackFailed, Failed, Aborted, or Superseded.', 32),
        ),
        cause: text('Why it ended, in one sentence.', 1024),
        startedAt: time('When it started.'),
        finishedAt: time('When it ended.'),
      }),
      { maxItems: 50, description: 'Ended attempts, newest first.' },
    ),
  ),
});
