/** What users read: the status, which is also all of the operator's state. */
import { Type } from 'typebox';
import {
  CLASSES,
  FALLBACK_STATES,
  GATE_CARRIERS,
  LEFT_STATES,
  OUTCOMES,
  PHASES,
  type Phase,
  POD_STATES,
  STAGE_STATES,
  TRIGGERS,
  UNRUNNABLE,
  WAIT_REASONS,
} from './enums.ts';
import { UNSEEN } from './names.ts';
import type { AnyReason } from './reasons.ts';
import { count, images, listMap, oneOf, text, time } from './schema-parts.ts';

const generation = (description: string) => Type.Integer({ format: 'int64', minimum: 0, description });
const attemptNumber = (description: string) => Type.Integer({ format: 'int32', description });
const exitCode = (description: string) => Type.Integer({ format: 'int32', description });

const Condition = Type.Object({
  type: text('`Ready`, `Reconciling`, `Stalled`, `Verified`, `FallenBack` or `Gated`.', 316),
  status: oneOf(['True', 'False', 'Unknown'], { description: 'Whether it holds.' }),
  reason: Type.Unsafe<AnyReason | Phase>({
    type: 'string',
    maxLength: 1024,
    description: 'Why, in one CamelCase word.',
  }),
  message: text('Why, in one sentence.', 32768),
  lastTransitionTime: time('When `status` last changed.'),
  observedGeneration: generation('Generation of the Upgrade that it is about.'),
});

/** A reason; user's and Kubernetes' words too, so it is no enumeration. */
const reason = (description: string) =>
  Type.Unsafe<AnyReason>({ type: 'string', maxLength: 64, description });

const imageSet = {
  images: images('Image by container name, of every container of the pod template.'),
  revision: Type.Optional(text('Revision label of the pods that run it.', 253)),
};

const Asked = Type.Optional(
  images('The requested images, by container name, where admission stored another one.'),
);

const Cause = (description: string) =>
  Type.Optional(
    Type.Object(
      {
        reason: reason('What happened.'),
        pod: Type.Optional(text('Name of the pod.', 253)),
        node: Type.Optional(text('Its node.', 253)),
        others: Type.Optional(count('Further pods with evidence against them.')),
        container: Type.Optional(text('Name of the container.', 63)),
        image: Type.Optional(text('The image of the container.', 1024)),
        wanted: Type.Optional(text('The requested image.', 1024)),
        by: Type.Optional(text('Field manager that set the image.', 128)),
        workload: Type.Optional(text('Kind and name of the workload.', 320)),
        passed: Type.Optional(count('Pods that passed.')),
        desired: Type.Optional(count('Of so many.')),
        trigger: Type.Optional(oneOf(TRIGGERS, { description: 'What started the attempt that took over.' })),
        check: Type.Optional(text('Name of the check.', 63)),
        command: Type.Optional(text('The program that the check runs.', 256)),
        exitCode: Type.Optional(exitCode('Exit code of the command, or of the container.')),
        unrunnable: Type.Optional(oneOf(UNRUNNABLE, { description: 'Why the command cannot be run.' })),
        ended: Type.Optional(reason("Kubernetes' word for the last end of the container: `OOMKilled`.")),
        restarts: Type.Optional(count('How often the container restarted.')),
        condition: Type.Optional(text('Type of the pod condition that is not True.', 316)),
        seconds: Type.Optional(count('The time-out of the check, or `minReadySeconds`.')),
        deleted: Type.Optional(Type.Boolean({ description: 'Aborted, as the Upgrade was deleted.' })),
        limit: Type.Optional(count('How many were allowed.')),
        repeated: Type.Optional(count('Times in a row.')),
        late: Type.Optional(Type.Boolean({ description: 'After the pod had passed.' })),
        since: Type.Optional(time('Since when.')),
        deadlineSeconds: Type.Optional(count('It lasted until a deadline of so many seconds.')),
        idleSeconds: Type.Optional(count('Nothing moved for so many seconds.')),
        detail: Type.Optional(
          text(
            "Words of an exit-code rule, the readiness script, the kubelet or the API server; never a check's output.",
            512,
          ),
        ),
      },
      { description },
    ),
  );

const PodCheck = Type.Object({
  check: text('Name of the check.', 63),
  container: text('Name of the container.', 63),
  exitCode: Type.Optional(exitCode('Exit code of the last try; absent when it had none.')),
  class: oneOf(CLASSES, { description: 'What the last try said.' }),
  reason: reason('Why, in one CamelCase word.'),
  message: Type.Optional(text('Meaning of the code, or why there is none.', 512)),
  output: Type.Optional(text('Head and tail of what the last try printed.', 8300)),
  attempts: count('Tries so far, on this container.'),
  timeouts: Type.Optional(
    count('Of these, how many ran past the limit; their processes may still run in the container.'),
  ),
  firstAt: time('First try.'),
  lastAt: time('Last try.'),
});

const PodReport = Type.Object({
  name: text('Name of the pod.', 253),
  node: Type.Optional(text('Node that it runs on.', 253)),
  state: oneOf(POD_STATES, {
    description: 'Judgement on this pod.',
  }),
  reason: reason('Why, in one CamelCase word.'),
  message: Type.Optional(text('Why, in one sentence.', 1024)),
  deadlineAt: Type.Optional(
    time('When the pod has to have passed; absent once it is settled, and while the clocks stand still.'),
  ),
  lastEnds: Type.Optional(
    Type.Array(
      Type.Object({
        container: text('Name of the container.', 63),
        reason: reason("Kubernetes' word: `OOMKilled`, `Error`."),
        exitCode: exitCode('What it ended with.'),
        message: Type.Optional(text('The termination message that the application left.', 512)),
      }),
      { maxItems: 4, description: 'How containers ended last, when they did not end well.' },
    ),
  ),
  checks: Type.Array(PodCheck, {
    maxItems: 64,
    description: 'The last try of each check in each container.',
  }),
});

const Baseline = Type.Optional(
  Type.Array(
    Type.Object({
      check: text('Name of the check.', 63),
      container: text('Name of the container.', 63),
      exitCode: Type.Optional(exitCode('What the command ended with.')),
      missing: Type.Optional(Type.Boolean({ description: 'The container has no such command.' })),
    }),
    {
      maxItems: 64,
      description:
        'What each check said in pods of this version before anything was written; absent: not known.',
    },
  ),
);

const Command = (description: string) =>
  Type.Optional(
    Type.Object(
      {
        token: text('Value of the annotation that was acted on.', 256),
        at: time('When it was acted on.'),
        result: text('What came of it, in one CamelCase word.', 64),
      },
      { description },
    ),
  );

const ExitCodes = (description: string) =>
  Type.Optional(
    Type.Array(
      Type.Object({
        check: text('Name of the check.', 63),
        container: text('Name of the container.', 63),
        code: exitCode('The exit code.'),
        class: oneOf(CLASSES, { description: 'What the code says.' }),
        reason: reason('What it means, in one CamelCase word.'),
        pods: count('Pods whose last try gave this code.'),
      }),
      { maxItems: 32, description },
    ),
  );

export const StatusSchema = Type.Object({
  observedGeneration: Type.Optional(
    Type.Integer({
      format: 'int64',
      minimum: UNSEEN,
      description:
        'Generation of the spec that this status is about; -1 until postcheck has seen the Upgrade.',
    }),
  ),
  targetUID: Type.Optional(text('UID of the workload that this status is about.', 64)),
  targetGeneration: Type.Optional(
    Type.Integer({
      minimum: 0,
      format: 'int64',
      description:
        "The workload's generation at the last step of an attempt or fallback. An older view of the workload is behind and not acted on.",
    }),
  ),
  checks: Type.Optional(
    Type.Array(Type.String({ maxLength: 63 }), {
      maxItems: 16,
      description: 'Names of the checks that every pod has to pass; empty: readiness alone.',
    }),
  ),
  phase: Type.Optional(oneOf(PHASES, { description: 'Where the Upgrade stands.' })),
  headline: Type.Optional(text('What runs now, in at most 100 characters; `message` has all of it.', 100)),
  message: Type.Optional(text('What runs now and why, in one sentence.')),
  summary: Type.Optional(text('Passed of wanted pods, such as `3/3`.', 32)),
  conditions: Type.Optional(
    Type.Array(Condition, {
      maxItems: 16,
      description: 'One of each type, for tools that wait: kstatus reads the first three.',
      ...listMap('type'),
    }),
  ),
  attempt: Type.Optional(
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
  ),
  from: Type.Optional(
    Type.Object(
      { ...imageSet, baseline: Baseline },
      { description: 'What ran before the attempt: the fallback target.' },
    ),
  ),
  to: Type.Optional(
    Type.Object(
      {
        images: images('Image by container name, of every container of the pod template.'),
        asked: Asked,
        revision: Type.Optional(text('Revision label of the pods that run it.', 253)),
      },
      { description: 'What the attempt rolls to.' },
    ),
  ),
  stage: Type.Optional(text('The present stage, such as `2/4 canary`.', 80)),
  stages: Type.Optional(
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
  ),
  rolloutChecks: Type.Optional(
    Type.Array(
      Type.Object({
        name: text('Name of the check.', 63),
        class: oneOf(CLASSES, { description: 'What the last answer said.' }),
        message: text('The value, or why there is none.', 512),
        lastAt: Type.Optional(time('When it was last asked.')),
      }),
      { maxItems: 8, description: 'What the checks of the rollout said last.', ...listMap('name') },
    ),
  ),
  waiting: Type.Optional(
    Type.Object(
      {
        reason: oneOf(WAIT_REASONS, { description: 'What for.' }),
        since: time('Since when.'),
        until: Type.Optional(time('When it is over, where that is known.')),
        detail: Type.Optional(text('What exactly it waits for.', 512)),
      },
      { description: 'What an attempt, or its next stage, waits for without being stuck: no deadline runs.' },
    ),
  ),
  left: Type.Optional(
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
  ),
  turnedBack: Type.Optional(
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
  ),
  explained: Type.Optional(
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
  ),
  lastVerified: Type.Optional(
    Type.Object(
      {
        images: images('Image by container name.'),
        revision: Type.Optional(text('Revision label of the pods that passed.', 253)),
        verifiedAt: time('When the last of them passed.'),
        pods: count('Pods that passed.'),
      },
      { description: 'The newest set that passed.' },
    ),
  ),
  quarantined: Type.Optional(
    Type.Object(
      {
        images: images('Image by container name.'),
        attempt: attemptNumber('Number of the attempt that failed with it.'),
      },
      { description: 'The set that fell back; not tried again by itself.' },
    ),
  ),
  counts: Type.Optional(
    Type.Object(
      {
        desired: count('Wanted pods.'),
        updated: count('Pods of the wanted revision.'),
        ready: count('Of these, Ready.'),
        passed: count('Pods that passed.'),
        retrying: count('Pods that a check does not pass on yet.'),
        failed: count('Pods with evidence that they do not work.'),
        inconclusive: count('Pods that could not be probed until their deadline.'),
        skipped: count('Pods on which every check said that there is nothing to check.'),
      },
      { description: 'The last five add up to `desired` once all pods exist.' },
    ),
  ),
  exitCodes: ExitCodes('Last exit codes of all pods, the most frequent first.'),
  pods: Type.Optional(Type.Array(PodReport, { maxItems: 20, description: 'At most 20 pods, worst first.' })),
  fallback: Type.Optional(
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
          text('`PostCheck`, `ReadinessOnly` or `No`: what verified the reverted pods.', 32),
        ),
        evidence: Type.Optional(
          Type.Array(PodReport, { maxItems: 3, description: 'The pods that caused it, as they were.' }),
        ),
        exitCodes: ExitCodes('Exit codes of the version that failed, when the fallback began.'),
      },
      { description: 'The fallback of this attempt.' },
    ),
  ),
  paused: Type.Optional(
    Type.Object(
      {
        since: Type.Optional(time('Set while paused.')),
        resumedAt: Type.Optional(time('Clocks count from here.')),
        seconds: Type.Optional(count('Paused in all, in this attempt.')),
      },
      { description: 'How long `spec.paused` has stopped the clocks.' },
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
      { description: 'Commands by annotation that were acted on.' },
    ),
  ),
  history: Type.Optional(
    Type.Array(
      Type.Object({
        attempt: attemptNumber('Number of the attempt.'),
        images: images('Image by container name that it rolled to.'),
        outcome: text('Succeeded, Partial, FellBack, FallbackFailed, Failed, Aborted, or Superseded.', 32),
        cause: text('Why it ended so, in one sentence.', 1024),
        startedAt: time('When it started.'),
        finishedAt: time('When it ended.'),
      }),
      { maxItems: 50, description: 'Ended attempts, newest first.' },
    ),
  ),
});
