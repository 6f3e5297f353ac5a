/** An attempt and its fallback in the status: everything that another process needs to continue them. */
import { Type } from 'typebox';
import {
  CLASSES,
  FALLBACK_STATES,
  type FallbackVerified,
  GATE_CARRIERS,
  LEFT_STATES,
  OUTCOMES,
  STAGE_STATES,
  TRIGGERS,
  WAIT_REASONS,
} from './enums.ts';
import { count, images, listMap, oneOf, text, time } from './schema-parts.ts';
import { Cause, ExitCodes, exitCode, PodReport, reason } from './schema-report.ts';

const imageSet = {
  images: images('Image by container name, of every container of the pod template.'),
  revision: Type.Optional(text('Revision label of the pods that run these images.', 253)),
};

const Requested = Type.Optional(
  images('The requested images, by container name, where admission stored another one.'),
);

const Baseline = Type.Optional(
  Type.Array(
    Type.Object({
      check: text('Name of the check.', 63),
      container: text('Name of the container.', 63),
      exitCode: Type.Optional(exitCode('Exit code of the command.')),
      pods: Type.Optional(count('Pods in which the command exited with this code.')),
      total: Type.Optional(count('Pods in which the command exited.')),
      missing: Type.Optional(Type.Boolean({ description: 'The container has no such command.' })),
    }),
    {
      maxItems: 64,
      description:
        'Results of each check in pods of the previous version, before anything was written; absent if unknown.',
    },
  ),
);

export const Attempt = Type.Optional(
  Type.Object(
    {
      id: text('Number and digest of the wanted containers.', 64),
      restated: Type.Optional(
        text(
          'Digest of the wanted containers, where they were changed after its end without another image to roll: that starts no attempt.',
          16,
        ),
      ),
      number: Type.Integer({
        minimum: 1,
        format: 'int32',
        description: 'Increases over the lifetime of the Upgrade.',
      }),
      trigger: oneOf(TRIGGERS, {
        description: 'What started the attempt.',
      }),
      adopted: Type.Boolean({
        description: 'Whether the target already ran the wanted images: nothing is written to it.',
      }),
      held: Type.Optional(
        Type.Object(
          { partition: count('`updateStrategy.rollingUpdate.partition` before the attempt.') },
          {
            description:
              'Original values of what the attempt changes in the workload; restored at every end.',
          },
        ),
      ),
      promotedAt: Type.Optional(time('When the remaining waits were skipped by `postcheck.dev/promote`.')),
      inherited: Type.Optional(
        Type.Boolean({
          description:
            'Whether the fallback target of the previous attempt was kept, because what ran before this attempt was never verified.',
        }),
      ),
      overtaken: Type.Optional(
        images(
          'Images of an earlier attempt that the target had when this one was recorded, by container name; absent once its own are written.',
        ),
      ),
      keeps: Type.Optional(
        Type.Array(Type.String({ maxLength: 64 }), {
          maxItems: 10,
          description:
            'Earlier attempts whose verified pods stay verified: a retry after Partial retries only the places in `left`.',
        }),
      ),
      gating: Type.Boolean({
        description:
          'Whether new pods of the wanted version get the readiness gate. Policy and webhook read this field.',
      }),
      gateCarrier: Type.Optional(
        oneOf(GATE_CARRIERS, { description: 'What adds the gate; absent if nothing does.' }),
      ),
      startedAt: time('Recorded before the first write to the workload.'),
      rolledAt: Type.Optional(time('When the workload was first seen with the wanted images.')),
      targetGeneration: Type.Integer({
        minimum: 0,
        format: 'int64',
        description: "The workload's generation when the attempt was recorded.",
      }),
      postCheckDigest: Type.Optional(
        text('Digest of the post-check that verifies its pods; after a change they are verified again.', 16),
      ),
      progressAt: time('When the number of updated or passed pods last reached a new maximum.'),
      deadlineAt: Type.Optional(time('Deadline for the next progress; absent while no deadline runs.')),
      maxUpdated: count('Maximum number of updated pods in this attempt.'),
      maxPassed: count('Maximum number of passed pods in this attempt.'),
      passedBefore: Type.Optional(
        count('maxPassed when a change of the pod template last replaced verified pods once more.'),
      ),
      warnings: Type.Optional(
        Type.Array(Type.String({ maxLength: 512 }), {
          maxItems: 8,
          description: 'What may interfere with the verification, reported once as events.',
        }),
      ),
      end: Type.Optional(
        Type.Object(
          {
            outcome: oneOf(OUTCOMES, { description: 'Outcome of the attempt.' }),
            reason: reason('Why, in one CamelCase word.'),
            cause: text('Why, in one sentence.', 2048),
            why: Cause('The cause as data.'),
            at: time('When it ended.'),
          },
          { description: 'How the attempt ended; absent while it runs.' },
        ),
      ),
      excludedNodes: Type.Optional(
        Type.Array(Type.String({ maxLength: 253 }), {
          maxItems: 500,
          description:
            'Nodes of a DaemonSet that are not Ready, since the start or for longer than a pod may take: the attempt does not wait for them, and finishes them when they are back.',
        }),
      ),
    },
    { description: 'The running or last attempt.' },
  ),
);

const Unready = Type.Optional(
  Type.Object(
    { pods: count('Pods that were not Ready.'), total: count('Desired pods.') },
    { description: 'Pods that were not Ready before the attempt; absent if all were.' },
  ),
);

export const From = Type.Optional(
  Type.Object(
    { ...imageSet, unready: Unready, baseline: Baseline },
    { description: 'The previous images: the fallback target.' },
  ),
);

export const To = Type.Optional(
  Type.Object(
    {
      images: images('Image by container name, of every container of the pod template.'),
      requested: Requested,
      revision: Type.Optional(text('Revision label of the pods that run these images.', 253)),
    },
    { description: 'The images that the attempt rolls out.' },
  ),
);

export const Stages = Type.Optional(
  Type.Array(
    Type.Object({
      name: text('Name of the stage.', 63),
      state: oneOf(STAGE_STATES, { description: 'State of the stage.' }),
      desired: count('Pods of this stage; includes earlier stages if it counts pods.'),
      verified: count('Pods of this stage that are verified and Ready.'),
      failed: Type.Optional(count('Pods of this stage that failed within the budget.')),
      startedAt: Type.Optional(time('When the stage started.')),
      verifiedAt: Type.Optional(
        time('When its last pod was verified; results of rollout checks count from then.'),
      ),
      soakUntil: Type.Optional(time('End of the soak, until which its pods are still probed.')),
      approvedAt: Type.Optional(time('When it was approved.')),
      finishedAt: Type.Optional(time('When the stage completed.')),
    }),
    { maxItems: 51, description: 'The stages of the attempt, in order.', ...listMap('name') },
  ),
);

export const RolloutChecks = Type.Optional(
  Type.Array(
    Type.Object({
      name: text('Name of the check.', 63),
      class: oneOf(CLASSES, { description: 'Result of the last query.' }),
      message: text('The value, or why there is none.', 512),
      lastAt: Type.Optional(time('When it was last queried.')),
    }),
    { maxItems: 8, description: 'Last results of the checks of the rollout.', ...listMap('name') },
  ),
);

export const Waiting = Type.Optional(
  Type.Object(
    {
      reason: oneOf(WAIT_REASONS, { description: 'What it waits for.' }),
      since: time('Since when.'),
      until: Type.Optional(time('When the wait ends, if known.')),
      detail: Type.Optional(text('Details of what it waits for.', 512)),
    },
    { description: 'What an attempt, or its next stage, waits for; meanwhile no deadline runs.' },
  ),
);

export const Left = Type.Optional(
  Type.Array(
    Type.Object({
      name: text('Name of the node (DaemonSet) or of the pod.', 253),
      node: Type.Optional(text('The node of the failed pod, if `name` is the pod.', 253)),
      state: oneOf(LEFT_STATES, { description: 'What runs in this place.' }),
      reason: reason('Why the new version is not verified there, in one CamelCase word.'),
      message: Type.Optional(text('Why, in one clause.', 256)),
    }),
    {
      maxItems: 50,
      description:
        'Places where the new version does not run verified: its pods failed within the budget, or the node is unreachable.',
      ...listMap('name'),
    },
  ),
);

export const TurnedBack = Type.Optional(
  Type.Object(
    {
      images: images('The images that are set temporarily, by container name.'),
      startedAt: time('Recorded before the previous template is set.'),
      rolledAt: Type.Optional(time('When the template was first seen with these images.')),
      returnAt: Type.Optional(time('Recorded before the new template is set again.')),
    },
    {
      description:
        'While failed pods are rolled back (`fallback.scope: FailedPods`), the pod template has the previous images, because it decides what a new pod runs.',
    },
  ),
);

export const Explained = Type.Optional(
  Type.Array(
    Type.Object({
      label: text('The node label; `kernel` stands for the kernel version.', 317),
      value: text('Value of the label.', 256),
      failed: count('Number of failed pods, all on such nodes.'),
      verified: count('Number of verified pods, none on such nodes.'),
    }),
    {
      maxItems: 4,
      description: 'Labels that all nodes of failed pods share, and no node of a verified pod has.',
    },
  ),
);

export const Fallback = Type.Optional(
  Type.Object(
    {
      state: oneOf(FALLBACK_STATES, {
        description: 'State of the fallback.',
      }),
      reason: reason('CamelCase reason of the fallback.'),
      cause: text('The evidence, in one sentence.', 2048),
      why: Cause('The cause as data.'),
      images: images('The restored images.'),
      requested: Requested,
      revision: Type.Optional(text('Revision label of the reverted pods.', 253)),
      startedAt: time('Recorded before its first write.'),
      rolledAt: Type.Optional(time('When the workload was first seen with the restored images.')),
      finishedAt: Type.Optional(time('When the fallback ended.')),
      verified: Type.Optional(
        Type.Unsafe<FallbackVerified>(
          text('What verified the reverted pods: `PostCheck`, `ReadinessOnly` or `No`.', 32),
        ),
      ),
      evidence: Type.Optional(
        Type.Array(PodReport, {
          maxItems: 3,
          description: 'The failed pods that caused the fallback, with their results.',
        }),
      ),
      exitCodes: ExitCodes('Exit codes of the failed version when the fallback started.'),
    },
    { description: 'The fallback of this attempt.' },
  ),
);
