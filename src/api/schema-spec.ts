/**
 * What users write: types, OpenAPI schema, defaults, CEL rules and reference docs, once.
 * A field with a `default` is optional for users and always present for code, because the API server applies defaults on every read.
 * `scripts/generate.ts` turns this into crds/ and docs/reference.md; the running operator imports only the types.
 */
import { Type } from 'typebox';
import { CHECKS_LENGTH, Check, RolloutCheck } from './schema-check.ts';
import { amount, listMap, name63, oneOf, rules, seconds } from './schema-parts.ts';
import { Strategy, Windows } from './schema-strategy.ts';

const TargetRef = Type.Object(
  {
    apiVersion: oneOf(['apps/v1'], { default: 'apps/v1', description: 'API of the workload.' }),
    kind: oneOf(['Deployment', 'StatefulSet', 'DaemonSet'], { description: 'Kind of the workload.' }),
    name: Type.String({
      minLength: 1,
      maxLength: 253,
      pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
      description: 'Name of the workload, in the namespace of the Upgrade.',
    }),
  },
  {
    description: 'The workload to upgrade. Immutable.',
    ...rules({
      rule: 'self == oldSelf',
      message:
        'targetRef cannot be changed: delete this Upgrade and create another one for the other workload',
    }),
  },
);

const ContainerImage = Type.Object({
  name: Type.String({
    ...name63,
    description: 'Name of a container, init container or sidecar in the pod template.',
  }),
  image: Type.String({
    minLength: 1,
    maxLength: 1024,
    description: 'Image to run in this container.',
    // What a registry accepts. An invisible character, as web pages have it, would make two images look the same wherever they are shown.
    ...rules({
      rule: "self.matches('^[!-~]*$')",
      message:
        'image must not contain whitespace, control characters or characters outside ASCII, such as invisible ones and curved quotes',
    }),
  }),
});

const Readiness = Type.Object(
  {
    required: Type.Boolean({
      default: true,
      description: 'A pod passes only while ContainersReady and its other readiness gates are True.',
    }),
    minReadySeconds: seconds('How long the pod must have been ready.', { default: 0 }),
    maxRestarts: Type.Integer({
      default: 2,
      minimum: 0,
      maximum: 1000,
      format: 'int32',
      description: 'A pod that this attempt created fails if its containers restart more often than this.',
    }),
  },
  { default: {}, description: 'Readiness requirements.' },
);

const PreCheck = Type.Object(
  {
    baseline: oneOf(['Record', 'RequirePass', 'None'], {
      default: 'Record',
      description:
        'The checks run once in up to three Ready pods of the previous version, before anything is written. `Record` stores the results, to tell a version that broke from one that was broken before. `RequirePass` does not upgrade a version that fails them, unless `postcheck.dev/retry` is set. `None` does not run them.',
    }),
  },
  { description: 'Requirements for the previous version.' },
);

const PostCheck = Type.Object(
  {
    initialDelaySeconds: seconds('Delay between the start of a container and its first probe.', {
      default: 0,
    }),
    periodSeconds: seconds(
      'Interval between two probe cycles of one pod, ±20 %. In a probe cycle each check runs once, in each of its containers.',
      { default: 10, minimum: 1 },
    ),
    successThreshold: Type.Integer({
      default: 1,
      minimum: 1,
      maximum: 100,
      format: 'int32',
      description: 'Number of probe cycles in a row in which readiness and all checks must pass.',
    }),
    failureThreshold: Type.Integer({
      default: 0,
      minimum: 0,
      maximum: 1000,
      format: 'int32',
      description:
        'How many probe cycles in a row with evidence against a pod from a check fail it; 0 probes it until the deadline.',
    }),
    deadlineSeconds: seconds(
      'Time limit for the whole post-check of one pod, including image pull and scheduling. If its containers start only in the second half, it has the whole time from then on.',
      {
        default: 600,
        minimum: 1,
      },
    ),
    onInconclusive: oneOf(['Wait', 'Fallback'], {
      default: 'Wait',
      description:
        'What to do if a pod could not be probed until its deadline, also because it never started (no node can run it, a volume cannot be mounted, its registry is down, its node ends it again and again): `Wait` or `Fallback`. Has no effect while its node, or the API server as a whole, is unreachable.',
    }),
    soakSeconds: Type.Optional(
      seconds(
        'How long the pods are still probed after the last one is verified; the attempt falls back if they fail. Defaults to 0.',
      ),
    ),
    rolloutChecks: Type.Optional(
      Type.Array(RolloutCheck, {
        maxItems: 8,
        description:
          "Queries to the Prometheus in the operator's `--prometheus-url`, once the pods of a stage are verified, during its soak and while it waits for approval. Each must pass before the stage is complete; three failures in a row fail the attempt.",
        ...listMap('name'),
      }),
    ),
    readiness: Readiness,
    // No default: see effectiveChecks in checks.ts. Atomic, not merged by name: a server-side apply that removes the last entry of a merged
    // list removes the whole field, so that `[]` would become the script.
    checks: Type.Optional(
      Type.Array(Check, {
        maxItems: 16,
        description:
          'The checks that verify a pod. Defaults to `/usr/bin/readiness_probe.sh`. If the list is empty, readiness is the only check.',
        'x-kubernetes-list-type': 'atomic',
        ...rules(
          {
            rule: 'self.all(check, self.exists_one(other, other.name == check.name))',
            message: 'two checks have the same name: names must be unique',
          },
          CHECKS_LENGTH,
        ),
      }),
    ),
  },
  {
    default: {},
    description: 'How each upgraded pod is verified.',
  },
);

/** The least time after `initialDelaySeconds` in which a pod without problems can pass. */
const LEAST_SECONDS =
  '(self.postCheck.successThreshold - 1) * self.postCheck.periodSeconds + (self.postCheck.readiness.required && self.postCheck.readiness.minReadySeconds > self.postCheck.initialDelaySeconds ? self.postCheck.readiness.minReadySeconds - self.postCheck.initialDelaySeconds : 0)';

const Fallback = Type.Object(
  {
    action: oneOf(['Rollback', 'Pause', 'None'], {
      default: 'Rollback',
      description:
        '`Rollback` restores the previous images. `Pause` leaves everything in place, with closed gates. `None` only reports: gates are opened and the rollout continues.',
    }),
    verify: Type.Boolean({ default: true, description: 'Run the same post-check on the reverted pods.' }),
    deadlineSeconds: Type.Optional(
      seconds(
        'Like postCheck.deadlineSeconds, for the reverted pods. Defaults to postCheck.deadlineSeconds.',
        {
          minimum: 1,
        },
      ),
    ),
    scope: oneOf(['All', 'FailedPods'], {
      default: 'All',
      description:
        'What goes back. `All`: the whole version, once more pods failed than `strategy.failureBudget` allows; until then those that failed stay, behind their gates. `FailedPods`: within the budget, which is at most 50 here, exactly the pods that failed; a DaemonSet or StatefulSet with `updateStrategy.type: OnDelete` only.',
    }),
    maxParallel: Type.Optional(
      amount(
        'Like strategy.maxParallel, for the pods that are rolled back. Pods that are not Ready are rolled back immediately. Defaults to strategy.maxParallel.',
      ),
    ),
  },
  { default: {}, description: 'What to do when verification fails.' },
);

export const SpecSchema = Type.Object(
  {
    targetRef: TargetRef,
    containers: Type.Array(ContainerImage, {
      minItems: 1,
      maxItems: 64,
      description:
        'The images to run. A change starts a new attempt, unless it only names further containers that run their image already, after an attempt that failed.',
      ...listMap('name'),
    }),
    paused: Type.Boolean({
      default: false,
      description:
        'Pauses the Upgrade: no image is written, no pod is deleted, no gate is opened. Checks continue.',
    }),
    gate: oneOf(['Auto', 'Required', 'Disabled'], {
      default: 'Auto',
      description:
        '`Auto` keeps unverified pods out of traffic if the gate policy or the gate webhook is installed, `Required` does not upgrade without it, `Disabled` adds no gate.',
    }),
    progressDeadlineSeconds: Type.Optional(
      seconds(
        'The attempt ends if no further pod is updated or passes within this time. Defaults to the larger of 600 and initialDelaySeconds + deadlineSeconds + 300.',
        {
          minimum: 1,
        },
      ),
    ),
    strategy: Type.Optional(Strategy),
    windows: Type.Optional(Windows),
    dependsOn: Type.Optional(
      Type.Array(
        Type.Object({
          name: Type.String({
            minLength: 1,
            maxLength: 253,
            pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
            description: 'Name of an Upgrade in the same namespace.',
          }),
        }),
        {
          maxItems: 16,
          description:
            'Upgrades that must have Succeeded for their current spec before an attempt starts. A running attempt continues.',
          ...listMap('name'),
        },
      ),
    ),
    preCheck: Type.Optional(PreCheck),
    postCheck: PostCheck,
    fallback: Fallback,
    historyLimit: Type.Integer({
      default: 10,
      minimum: 0,
      maximum: 50,
      format: 'int32',
      description: 'Number of ended attempts to keep in the status.',
    }),
  },
  // The first rule is not in postCheck, because the API server would evaluate it with the default `{}` of that object, before the defaults
  // inside are filled in, and reject the whole CRD.
  rules(
    {
      rule: 'self.postCheck.readiness.required || !has(self.postCheck.checks) || self.postCheck.checks.size() > 0',
      message:
        'nothing would be verified: set postCheck.readiness.required to true, or add at least one check',
      fieldPath: '.postCheck',
    },
    {
      rule: "!has(self.preCheck) || self.preCheck.baseline != 'RequirePass' || !has(self.postCheck.checks) || self.postCheck.checks.size() > 0",
      message:
        'without checks there is nothing that the previous version could pass: add at least one to postCheck.checks, or set preCheck.baseline to Record',
      fieldPath: '.preCheck.baseline',
    },
    {
      rule: `self.postCheck.deadlineSeconds > ${LEAST_SECONDS}`,
      message:
        'no pod could pass in time: deadlineSeconds must be longer than readiness.minReadySeconds, and than successThreshold probe cycles that are periodSeconds apart',
      fieldPath: '.postCheck.deadlineSeconds',
    },
    {
      rule: `!has(self.fallback.deadlineSeconds) || self.fallback.deadlineSeconds > ${LEAST_SECONDS}`,
      message:
        'no reverted pod could pass in time: fallback.deadlineSeconds must be longer than postCheck.readiness.minReadySeconds, and than postCheck.successThreshold probe cycles that are postCheck.periodSeconds apart',
      fieldPath: '.fallback.deadlineSeconds',
    },
    {
      rule: '!has(self.progressDeadlineSeconds) || self.progressDeadlineSeconds > self.postCheck.initialDelaySeconds + self.postCheck.deadlineSeconds',
      message:
        'progressDeadlineSeconds must be larger than postCheck.initialDelaySeconds + postCheck.deadlineSeconds, or omitted: otherwise a pod could never use its own deadline',
    },
    {
      rule: "self.fallback.scope != 'FailedPods' || self.targetRef.kind != 'Deployment'",
      message:
        'a Deployment cannot run two versions side by side: set fallback.scope to All, or use a DaemonSet or StatefulSet with updateStrategy.type OnDelete',
      fieldPath: '.fallback.scope',
    },
    {
      rule: "self.fallback.scope != 'FailedPods' || self.fallback.action == 'Rollback'",
      message: 'fallback.scope FailedPods rolls pods back, so fallback.action must be Rollback',
      fieldPath: '.fallback.scope',
    },
    {
      rule: "self.fallback.scope != 'FailedPods' || (has(self.strategy) && has(self.strategy.failureBudget))",
      message:
        'without a budget the first failed pod rolls back the whole version: set strategy.failureBudget.maxFailed, or fallback.scope to All',
      fieldPath: '.fallback.scope',
    },
    {
      rule: "self.fallback.scope != 'FailedPods' || !has(self.strategy) || !has(self.strategy.failureBudget) || type(self.strategy.failureBudget.maxFailed) != int || self.strategy.failureBudget.maxFailed <= 50",
      message:
        'with fallback.scope FailedPods at most 50 pods may fail: set strategy.failureBudget.maxFailed to 50 or less',
      fieldPath: '.strategy.failureBudget.maxFailed',
    },
  ),
);
