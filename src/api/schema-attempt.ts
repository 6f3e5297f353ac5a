/** What the status keeps of an attempt and its fallback: everything that a fresh process needs to go on. */
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
  revision: Type.Optional(text('Revision label of the pods that run it.', 253)),
};

const Asked = Type.Optional(
  images('The requested images, by container name, where admission stored another one.'),
);

const Baseline = Type.Optional(
  Type.Array(
    Type.Object({
      check: text('Name of the check.', 63),
      container: text('Name of the container.', 63),
      exitCode: Type.Optional(exitCode('What the command ended with.')),
      pods: Type.Optional(count('Pods in which it ended so.')),
      asked: Type.Optional(count('Pods in which it ended at all.')),
      missing: Type.Optional(Type.Boolean({ description: 'The container has no such command.' })),
    }),
    {
      maxItems: 64,
      description:
        'What each check said in pods of this version before anything was written; absent: not known.',
    },
  ),
);

export const Attempt = Type.Optional(
  Type.Object(
    {
      id: text('Number and digest of the wanted containers.', 64),
      number: Type.Integer({
        minimum: 1,
        format: 'int32',
        description: 'Counts up for the life of the Upgrade.',
      }),
      trigger: oneOf(TRIGGERS, {
        description: 'Why it started.',
      }),
      adopted: Type.Boolean({
        description: 'The target ran the wanted images already: nothing is written to it.',
      }),
      held: Type.Optional(
        Type.Object(
          { partition: count('`updateStrategy.rollingUpdate.partition` before the attempt.') },
          { description: 'What the attempt moves in the workload, as it was: put back at every end.' },
        ),
      ),
      promotedAt: Type.Optional(
        time('When the waits of what is left were skipped, by `postcheck.dev/promote`.'),
      ),
      inherited: Type.Optional(
        Type.Boolean({
          description:
            'What ran before it was never verified, so the fallback target of the attempt before it was kept.',
        }),
      ),
      keeps: Type.Optional(
        Type.Array(Type.String({ maxLength: 64 }), {
          maxItems: 10,
          description:
            'Earlier attempts whose verified pods stay verified: a retry after Partial tries only what was left.',
        }),
      ),
      gating: Type.Boolean({
        description:
          'New pods of the wanted version get the readiness gate. Policy and webhook read this field.',
      }),
      gateCarrier: Type.Optional(
        oneOf(GATE_CARRIERS, { description: 'What puts the gate on; absent while nothing does.' }),
      ),
      startedAt: time('Recorded before the first write to the workload.'),
      rolledAt: Type.Optional(time('When the workload was first seen with the wanted images.')),
      targetGeneration: Type.Integer({
        minimum: 0,
        format: 'int64',
        description: "The workload's generation when the attempt was recorded.",
      }),
      postCheckDigest: Type.Optional(
        text(
          'Digest of the post-check that its pods are verified by: after a change they are verified anew.',
          16,
        ),
      ),
      progressAt: time('Last new maximum of updated or passed pods.'),
      deadlineAt: Type.Optional(
        time('When a further pod has to be updated or passed; absent while nothing can be late.'),
      ),
      maxUpdated: count('Most pods seen updated in this attempt.'),
      maxPassed: count('Most pods seen passed in this attempt.'),
      warnings: Type.Optional(
        Type.Array(Type.String({ maxLength: 512 }), {
          maxItems: 8,
          description: 'What may disturb the verification, reported once as events.',
        }),
      ),
      end: Type.Optional(
        Type.Object(
          {
            outcome: oneOf(OUTCOMES, { description: 'How it ended.' }),
            reason: reason('Why, in one CamelCase word.'),
            cause: text('Why, in one sentence.', 2048),
            why: Cause('The same as data.'),
            at: time('When it ended.'),
          },
          { description: 'How the attempt ended; absent while it runs.' },
        ),
      ),
      excludedNodes: Type.Optional(
        Type.Array(Type.String({ maxLength: 253 }), {
          maxItems: 500,
          description: 'Nodes not Ready at the start; their pods are not waited for.',
        }),
      ),
    },
    { description: 'The running or last attempt.' },
  ),
);

export const From = Type.Optional(
  Type.Object(
    { ...imageSet, baseline: Baseline },
    { description: 'What ran before the attempt: the fallback target.' },
  ),
);

export const To = Type.Optional(
  Type.Object(
    {
      images: images('Image by container name, of every container of the pod template.'),
      asked: Asked,
      revision: Type.Optional(text('Revision label of the pods that run it.', 253)),
    },
    { description: 'What the attempt rolls to.' },
  ),
);

export const Stages = Type.Optional(
  Type.Array(
    Type.Object({
      name: text('Name of the stage.', 63),
      state: oneOf(STAGE_STATES, { description: 'Where the stage stands.' }),
      desired: count('Pods of this stage, earlier stages included where it counts pods.'),
      verified: count('Of these, verified and Ready.'),
      failed: Type.Optional(count('Of these, failed within the budget.')),
      startedAt: Type.Optional(time('When its first pod might be replaced.')),
      verifiedAt: Type.Optional(
        time('When its last pod was verified; checks of the rollout count from then.'),
      ),
      soakUntil: Type.Optional(time('Its pods are probed further until then.')),
      approvedAt: Type.Optional(time('When it was approved.')),
      finishedAt: Type.Optional(time('When the next stage might begin.')),
    }),
    { maxItems: 51, description: 'The stages of the attempt, in order.', ...listMap('name') },
  ),
);

export const RolloutChecks = Type.Optional(
  Type.Array(
    Type.Object({
      name: text('Name of the check.', 63),
      class: oneOf(CLASSES, { description: 'What the last answer said.' }),
      message: text('The value, or why there is none.', 512),
      lastAt: Type.Optional(time('When it was last asked.')),
    }),
    { maxItems: 8, description: 'What the checks of the rollout said last.', ...listMap('name') },
  ),
);

export const Waiting = Type.Optional(
  Type.Object(
    {
      reason: oneOf(WAIT_REASONS, { description: 'What for.' }),
      since: time('Since when.'),
      until: Type.Optional(time('When it is over, where that is known.')),
      detail: Type.Optional(text('What exactly it waits for.', 512)),
    },
    { description: 'What an attempt, or its next stage, waits for without being stuck: no deadline runs.' },
  ),
);

export const Left = Type.Optional(
  Type.Array(
    Type.Object({
      name: text('The node, of a DaemonSet; else the pod.', 253),
      node: Type.Optional(text('The node of the pod that failed, where `name` is not it.', 253)),
      state: oneOf(LEFT_STATES, { description: 'What runs there.' }),
      reason: reason('Why the pod failed, in one CamelCase word.'),
      message: Type.Optional(text('Why, in one clause.', 256)),
    }),
    {
      maxItems: 50,
      description: 'Where the new version does not run verified, although its pods had their turn.',
      ...listMap('name'),
    },
  ),
);

export const TurnedBack = Type.Optional(
  Type.Object(
    {
      images: images('The images that are set meanwhile, by container name.'),
      startedAt: time('Recorded before the template is turned back.'),
      rolledAt: Type.Optional(time('When the template was first seen with these images.')),
      returnAt: Type.Optional(time('Recorded before the template is turned forward again.')),
    },
    {
      description:
        'While pods that failed are put back (`fallback.scope: FailedPods`), the pod template has the images of before: it decides what a new pod runs.',
    },
  ),
);

export const Explained = Type.Optional(
  Type.Array(
    Type.Object({
      label: text('The node label; `kernel` is the version of the kernel.', 317),
      value: text('Its value.', 256),
      failed: count('Pods that failed: all of them are on such nodes.'),
      verified: count('Verified pods: none of them is.'),
    }),
    {
      maxItems: 4,
      description:
        'What the nodes of the pods that failed have in common, and those of the verified ones do not.',
    },
  ),
);

export const Fallback = Type.Optional(
  Type.Object(
    {
      state: oneOf(FALLBACK_STATES, {
        description: 'Where the fallback stands.',
      }),
      reason: reason('CamelCase reason of the fallback.'),
      cause: text('The evidence, in one sentence.', 2048),
      why: Cause('The same as data.'),
      images: images('The images that are restored.'),
      asked: Asked,
      revision: Type.Optional(text('Revision label of the reverted pods.', 253)),
      startedAt: time('Recorded before its first write.'),
      rolledAt: Type.Optional(time('When the workload was first seen with the restored images.')),
      finishedAt: Type.Optional(time('When it ended, well or not.')),
      verified: Type.Optional(
        Type.Unsafe<FallbackVerified>(
          text('`PostCheck`, `ReadinessOnly` or `No`: what verified the reverted pods.', 32),
        ),
      ),
      evidence: Type.Optional(
        Type.Array(PodReport, { maxItems: 3, description: 'The pods that caused it, as they were.' }),
      ),
      exitCodes: ExitCodes('Exit codes of the version that failed, when the fallback began.'),
    },
    { description: 'The fallback of this attempt.' },
  ),
);
