/**
 * The Upgrade API, once: TypeScript types, OpenAPI schema, defaults, CEL rules and reference docs all come from here.
 * A field with a `default` is optional for users and always present for code, because the API server applies defaults on every read.
 * `scripts/generate.ts` turns this into crds/ and docs/reference.md; the running operator imports only the types.
 */
import { type TSchema, type TSchemaOptions, Type } from 'typebox';

/** A CEL rule (`x-kubernetes-validations`); the message says what to write instead. */
const rules = (...list: { rule: string; message: string; fieldPath?: string }[]): TSchemaOptions => ({ 'x-kubernetes-validations': list });
const listMap = (key: string): TSchemaOptions => ({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] });
const oneOf = <T extends string>(values: readonly T[], options: TSchemaOptions) =>
  Type.Unsafe<T>({ type: 'string', enum: [...values], ...options });
const seconds = (description: string, options: TSchemaOptions = {}) =>
  Type.Integer({ minimum: 0, maximum: 604800, format: 'int32', description, ...options });
const count = (description: string) => Type.Integer({ minimum: 0, format: 'int32', description });
const time = (description: string) => Type.String({ format: 'date-time', description });
const text = (description: string, maxLength = 4096) => Type.String({ maxLength, description });
const images = (description: string) => Type.Record(Type.String(), Type.String({ maxLength: 1024 }), { description });

const name63 = { minLength: 1, maxLength: 63, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' };

export const CLASSES = ['Pass', 'Retry', 'Fail', 'Skip', 'Error'] as const;

export const OUTCOMES = ['Succeeded', 'FellBack', 'FallbackFailed', 'Failed', 'Aborted', 'Superseded'] as const;

const TargetRef = Type.Object(
  {
    apiVersion: Type.String({ maxLength: 63, description: '`apps/v1`.' }),
    kind: Type.Unsafe<'Deployment' | 'StatefulSet' | 'DaemonSet'>({
      type: 'string',
      maxLength: 63,
      description: '`Deployment`, `StatefulSet` or `DaemonSet`.',
    }),
    name: Type.String({ minLength: 1, maxLength: 253, description: 'Name of the workload, in the namespace of the Upgrade.' }),
  },
  {
    description: 'The workload to upgrade. Immutable.',
    ...rules(
      {
        rule: 'self == oldSelf',
        message: 'targetRef cannot be changed: delete this Upgrade and create another one for the other workload',
      },
      {
        rule: "self.apiVersion == 'apps/v1' && self.kind in ['Deployment', 'StatefulSet', 'DaemonSet']",
        message: 'targetRef must name a workload that postcheck can roll: apiVersion apps/v1 and kind Deployment, StatefulSet or DaemonSet',
      },
    ),
  },
);

const ContainerImage = Type.Object({
  name: Type.String({ ...name63, description: 'Name of a container, init container or sidecar in the pod template.' }),
  image: Type.String({ minLength: 1, maxLength: 1024, pattern: '^\\S+$', description: 'Image that this container shall run.' }),
});

const lo = (rule: string) => `int(${rule}.codes.split('-')[0])`;
const hi = (rule: string) => `int(${rule}.codes.split('-')[${rule}.codes.split('-').size() - 1])`;

const ExitCodeRule = Type.Object(
  {
    codes: Type.String({
      minLength: 1,
      maxLength: 7,
      pattern: '^[0-9]{1,3}(-[0-9]{1,3})?$',
      description: 'One code such as `"2"`, or a range such as `"3-119"`; 0 to 255.',
    }),
    class: oneOf(['Pass', 'Retry', 'Fail', 'Skip'], {
      description:
        'What these codes mean: `Pass`; `Retry` looks again until the deadline; `Fail` ends the wait at once; `Skip` says there is nothing to check here.',
    }),
    reason: Type.String({
      default: 'ProbeFailed',
      minLength: 1,
      maxLength: 64,
      pattern: '^[A-Z][A-Za-z0-9]*$',
      description: 'CamelCase word shown in the status.',
    }),
    message: Type.String({ default: '', maxLength: 256, description: 'What the code means, for the person who reads the status.' }),
  },
  rules(
    {
      rule: `!self.codes.matches('^[0-9]{1,3}(-[0-9]{1,3})?$') || (${hi('self')} <= 255 && ${lo('self')} <= ${hi('self')})`,
      message: 'codes must lie between 0 and 255, the smaller one first, such as "17" or "3-119"',
    },
    {
      rule: `!self.codes.matches('^[0-9]{1,3}(-[0-9]{1,3})?$') || self.class != 'Fail' || ${lo('self')} > 0`,
      message: 'exit code 0 cannot be Fail: leave 0 out of the range, or use another exit code for the failure',
    },
  ),
);

const Port = Type.Unsafe<number | string>({
  'x-kubernetes-int-or-string': true,
  maxLength: 15,
  description: "Number of the port, or the name of one of the pod's container ports.",
});

const Check = Type.Object(
  {
    name: Type.String({ ...name63, description: 'Name of the check, shown in the status.' }),
    exec: Type.Optional(
      Type.Object(
        {
          command: Type.Array(Type.String({ maxLength: 4096 }), {
            minItems: 1,
            maxItems: 64,
            description: 'Command and arguments, run without a shell in the container.',
          }),
        },
        { description: 'Runs a command in each container of the check and reads its exit code.' },
      ),
    ),
    httpGet: Type.Optional(
      Type.Object(
        {
          path: Type.Optional(Type.String({ maxLength: 4096, description: 'Default `/`.' })),
          port: Port,
          host: Type.Optional(Type.String({ maxLength: 253, description: "Default: the pod's IP. As seen from the operator." })),
          scheme: oneOf(['HTTP', 'HTTPS'], { default: 'HTTP', description: 'HTTPS is not verified, as for a kubelet probe.' }),
          httpHeaders: Type.Array(
            Type.Object({ name: Type.String({ minLength: 1, maxLength: 256 }), value: Type.String({ maxLength: 4096 }) }),
            { default: [], maxItems: 32, description: 'Headers to send; repeated ones are kept.' },
          ),
        },
        { description: 'Passes when a GET is answered with 200 to 399, as for a kubelet probe, asked from the operator.' },
      ),
    ),
    tcpSocket: Type.Optional(
      Type.Object(
        { port: Port, host: Type.Optional(Type.String({ maxLength: 253, description: "Default: the pod's IP." })) },
        { description: 'Passes when a connection can be opened from the operator.' },
      ),
    ),
    grpc: Type.Optional(
      Type.Object(
        {
          port: Type.Integer({ minimum: 1, maximum: 65535, format: 'int32', description: 'Number of the port.' }),
          service: Type.String({ default: '', maxLength: 253, description: 'Service to ask about; empty: the server as a whole.' }),
        },
        { description: 'Passes when gRPC health v1 answers SERVING, asked from the operator.' },
      ),
    ),
    containers: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 63 }), {
        minItems: 1,
        maxItems: 64,
        'x-kubernetes-list-type': 'set',
        description: 'Containers to run the command in, or `["*"]` for every regular container and sidecar. Without it: the upgraded ones.',
        ...rules({ rule: "!('*' in self) || self.size() == 1", message: 'containers must be either ["*"] alone or a list of names' }),
      }),
    ),
    timeoutSeconds: seconds('Limit of one try.', { minimum: 1, maximum: 300, default: 10 }),
    whenMissing: oneOf(['Fail', 'Skip'], {
      default: 'Fail',
      description: 'When the image does not have the command: `Fail`, or `Skip` (nothing to check in this image).',
    }),
    exitCodes: Type.Array(ExitCodeRule, {
      default: [],
      maxItems: 32,
      'x-kubernetes-list-type': 'atomic',
      description: 'What exit codes mean. A rule wins over the default table for its codes.',
      ...rules({
        rule: `self.all(a, !a.codes.matches('^[0-9]{1,3}(-[0-9]{1,3})?$') || self.filter(b, b.codes.matches('^[0-9]{1,3}(-[0-9]{1,3})?$') && ${lo('b')} <= ${hi('a')} && ${lo('a')} <= ${hi('b')}).size() == 1)`,
        message: 'exitCodes must not overlap: each code may stand in one rule only',
      }),
    }),
    maxOutputBytes: Type.Integer({
      default: 1024,
      minimum: 0,
      maximum: 8192,
      format: 'int32',
      description: 'How much of the output the status keeps, of its head and its tail; 0 keeps none.',
    }),
  },
  rules(
    {
      rule: '[has(self.exec), has(self.httpGet), has(self.tcpSocket), has(self.grpc)].filter(x, x).size() == 1',
      message:
        'a check must say what to ask, exactly one way: exec: {command: [...]}, httpGet: {port: ...}, tcpSocket: {port: ...} or grpc: {port: ...}',
    },
    {
      rule: 'has(self.exec) || (!has(self.containers) && self.exitCodes.size() == 0)',
      message: 'containers and exitCodes belong to exec: leave them out of a check that asks over the network',
    },
  ),
);

const READINESS_PROBE = { name: 'readiness-probe', exec: { command: ['/usr/bin/readiness_probe.sh'] } };

const Readiness = Type.Object(
  {
    required: Type.Boolean({ default: true, description: 'A pod passes only while ContainersReady and its other readiness gates hold.' }),
    minReadySeconds: seconds('How long readiness must have held.', { default: 0 }),
    maxRestarts: Type.Integer({
      default: 2,
      minimum: 0,
      maximum: 1000,
      format: 'int32',
      description: 'More restarts than this, in a pod that this attempt created, is a failure.',
    }),
  },
  { default: {}, description: 'What is asked of readiness.' },
);

const PostCheck = Type.Object(
  {
    initialDelaySeconds: seconds('Wait after a container has started before its first try.', { default: 0 }),
    periodSeconds: seconds('Between two tries on one pod, ±20 %.', { default: 10, minimum: 1 }),
    successThreshold: Type.Integer({
      default: 1,
      minimum: 1,
      maximum: 100,
      format: 'int32',
      description: 'Rounds in a row in which readiness and all checks must pass.',
    }),
    failureThreshold: Type.Integer({
      default: 0,
      minimum: 0,
      maximum: 1000,
      format: 'int32',
      description: '0 retries until the deadline; n fails after n rounds in a row with evidence from a check.',
    }),
    deadlineSeconds: seconds('For the whole post-check of one pod, image pull and scheduling included.', { default: 600, minimum: 1 }),
    onInconclusive: oneOf(['Wait', 'Fallback'], {
      default: 'Wait',
      description:
        'When a pod could not be asked until its deadline: `Wait`, or `Fallback`. Never acts while the API server as a whole is lost.',
    }),
    readiness: Readiness,
    checks: Type.Array(Check, {
      default: [READINESS_PROBE],
      maxItems: 16,
      description: 'What proves a pod. An empty list leaves readiness alone.',
      ...listMap('name'),
    }),
  },
  {
    default: {},
    description: 'The proof that is asked of every upgraded pod.',
  },
);

const Fallback = Type.Object(
  {
    action: oneOf(['Rollback', 'Pause', 'None'], {
      default: 'Rollback',
      description:
        '`Rollback` restores the images that ran before. `Pause` leaves everything as it is, gates closed. `None` reports only: gates are opened and the rollout goes on.',
    }),
    verify: Type.Boolean({ default: true, description: 'Run the same post-check on the reverted pods.' }),
    deadlineSeconds: Type.Optional(
      seconds('Like postCheck.deadlineSeconds, for the reverted pods. Default: postCheck.deadlineSeconds.', { minimum: 1 }),
    ),
  },
  { default: {}, description: 'What to do when the proof does not come.' },
);

export const SpecSchema = Type.Object(
  {
    targetRef: TargetRef,
    containers: Type.Array(ContainerImage, {
      minItems: 1,
      maxItems: 64,
      description: 'The images to run. A change starts a new attempt.',
      ...listMap('name'),
    }),
    paused: Type.Boolean({ default: false, description: 'Write no image, delete no pod, open no gate. Checks go on.' }),
    gate: oneOf(['Auto', 'Required', 'Disabled'], {
      default: 'Auto',
      description:
        '`Auto` keeps unproved pods out of traffic where the cluster can (Kubernetes 1.36 or newer with the gate policy installed), `Required` refuses to upgrade where it cannot, `Disabled` does not gate.',
    }),
    progressDeadlineSeconds: Type.Optional(
      seconds(
        'Without a further pod updated or passed for so long, the attempt ends. Default: the larger of 600 and initialDelaySeconds + deadlineSeconds + 300.',
        {
          minimum: 1,
        },
      ),
    ),
    postCheck: PostCheck,
    fallback: Fallback,
    historyLimit: Type.Integer({
      default: 10,
      minimum: 0,
      maximum: 50,
      format: 'int32',
      description: 'How many ended attempts the status keeps.',
    }),
  },
  // The first rule stands here, not in postCheck: the API server checks a rule against the default `{}` of its own object before the
  // defaults inside are filled in, and refuses the whole CRD.
  rules(
    {
      rule: 'self.postCheck.readiness.required || self.postCheck.checks.size() > 0',
      message: 'nothing would be proved: keep postCheck.readiness.required true, or name at least one check',
      fieldPath: '.postCheck',
    },
    {
      rule: '!has(self.progressDeadlineSeconds) || self.progressDeadlineSeconds > self.postCheck.initialDelaySeconds + self.postCheck.deadlineSeconds',
      message:
        'progressDeadlineSeconds must be larger than postCheck.initialDelaySeconds + postCheck.deadlineSeconds, or left out: else a pod could never use its own deadline',
    },
  ),
);

export const PHASES = [
  'Pending',
  'Upgrading',
  'PostChecking',
  'Inconclusive',
  'Succeeded',
  'FallingBack',
  'FallbackChecking',
  'FellBack',
  'FallbackFailed',
  'Failed',
  'Aborted',
] as const;

const Condition = Type.Object({
  type: Type.String({ maxLength: 316 }),
  status: oneOf(['True', 'False', 'Unknown'], {}),
  reason: Type.String({ maxLength: 1024 }),
  message: Type.String({ maxLength: 32768 }),
  lastTransitionTime: Type.String({ format: 'date-time' }),
  observedGeneration: Type.Integer({ format: 'int64', minimum: 0 }),
});

const ImageSet = (description: string) =>
  Type.Object(
    {
      images: images('Image by container name, of every container of the pod template.'),
      revision: Type.Optional(text('Revision label of the pods that run it.', 253)),
    },
    { description },
  );

const PodCheck = Type.Object({
  check: text('Name of the check.', 63),
  container: text('', 63),
  exitCode: Type.Optional(Type.Integer({ format: 'int32' })),
  class: oneOf(CLASSES, { description: 'What the last try said.' }),
  reason: text('', 64),
  message: Type.Optional(text('Meaning of the code, or why there is none.', 512)),
  output: Type.Optional(text('Head and tail of what the last try printed.', 8300)),
  attempts: count('Tries so far, on this container.'),
  firstAt: time('First try.'),
  lastAt: time('Last try.'),
});

const PodReport = Type.Object({
  name: text('', 253),
  node: Type.Optional(text('', 253)),
  state: oneOf(['Failed', 'Inconclusive', 'Retrying', 'Waiting', 'Skipped', 'Passed'], { description: 'Judgement on this pod.' }),
  reason: text('', 64),
  message: Type.Optional(text('One sentence.', 1024)),
  checks: Type.Array(PodCheck, { maxItems: 64 }),
});

const Command = (description: string) =>
  Type.Optional(
    Type.Object({ token: text('Value of the annotation that was acted on.', 256), at: time(''), result: text('', 64) }, { description }),
  );

export const StatusSchema = Type.Object({
  observedGeneration: Type.Optional(Type.Integer({ format: 'int64', minimum: 0 })),
  targetUID: Type.Optional(text('UID of the workload that this status is about.', 64)),
  phase: Type.Optional(oneOf(PHASES, { description: 'Where the Upgrade stands.' })),
  message: Type.Optional(text('What happened and why, in one sentence.')),
  summary: Type.Optional(text('Passed of wanted pods, such as `3/3`.', 32)),
  conditions: Type.Optional(Type.Array(Condition, { maxItems: 16, ...listMap('type') })),
  attempt: Type.Optional(
    Type.Object(
      {
        id: text('Number and digest of the wanted containers.', 64),
        number: Type.Integer({ minimum: 1, format: 'int32', description: 'Counts up for the life of the Upgrade.' }),
        trigger: oneOf(['Created', 'ContainersChanged', 'TargetReplaced', 'Retry'], { description: 'Why it started.' }),
        adopted: Type.Boolean({ description: 'The target ran the wanted images already: nothing is written to it.' }),
        gating: Type.Boolean({ description: 'New pods of the wanted version get the readiness gate. The gate policy reads this field.' }),
        startedAt: time('Recorded before the first write to the workload.'),
        rolledAt: Type.Optional(time('When the workload was first seen with the wanted images.')),
        targetGeneration: Type.Integer({
          minimum: 0,
          format: 'int64',
          description: "The workload's generation when the attempt was recorded.",
        }),
        progressAt: time('Last new maximum of updated or passed pods.'),
        maxUpdated: count('Most pods seen updated in this attempt.'),
        maxPassed: count('Most pods seen passed in this attempt.'),
        warnings: Type.Optional(
          Type.Array(Type.String({ maxLength: 512 }), { maxItems: 8, description: 'What may disturb the proof, told once as events.' }),
        ),
        end: Type.Optional(
          Type.Object(
            {
              outcome: oneOf(OUTCOMES, {}),
              reason: text('CamelCase.', 64),
              cause: text('One sentence.', 2048),
              at: time(''),
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
  from: Type.Optional(ImageSet('What ran before the attempt: the fallback target.')),
  to: Type.Optional(ImageSet('What the attempt rolls to.')),
  lastVerified: Type.Optional(
    Type.Object(
      { images: images(''), revision: Type.Optional(text('', 253)), verifiedAt: time(''), pods: count('Pods that passed.') },
      { description: 'The newest set that passed.' },
    ),
  ),
  quarantined: Type.Optional(
    Type.Object(
      { images: images(''), attempt: Type.Integer({ format: 'int32' }) },
      { description: 'The set that fell back; not tried again by itself.' },
    ),
  ),
  counts: Type.Optional(
    Type.Object(
      {
        desired: count('Wanted pods.'),
        updated: count('Pods of the wanted revision.'),
        ready: count('Of these, Ready.'),
        passed: count(''),
        retrying: count(''),
        failed: count(''),
        inconclusive: count(''),
        skipped: count(''),
      },
      { description: 'The last five add up to `desired` once all pods exist.' },
    ),
  ),
  exitCodes: Type.Optional(
    Type.Array(
      Type.Object({
        check: text('', 63),
        container: text('', 63),
        code: Type.Integer({ format: 'int32' }),
        class: oneOf(CLASSES, {}),
        reason: text('', 64),
        pods: count('Pods whose last try gave this code.'),
      }),
      { maxItems: 32, description: 'Histogram of exit codes over the fleet.' },
    ),
  ),
  pods: Type.Optional(Type.Array(PodReport, { maxItems: 20, description: 'At most 20 pods, worst first.' })),
  fallback: Type.Optional(
    Type.Object(
      {
        state: oneOf(['Rolling', 'Checking', 'Verified', 'Unverified', 'Failed'], { description: 'Where the fallback stands.' }),
        reason: text('CamelCase reason of the fallback.', 64),
        cause: text('The evidence, in one sentence.', 2048),
        images: images('The images that are restored.'),
        revision: Type.Optional(text('', 253)),
        startedAt: time('Recorded before its first write.'),
        rolledAt: Type.Optional(time('When the workload was first seen with the restored images.')),
        finishedAt: Type.Optional(time('')),
        verified: Type.Optional(text('`PostCheck`, `ReadinessOnly` or `No`: what proved the reverted pods.', 32)),
        evidence: Type.Optional(Type.Array(PodReport, { maxItems: 3, description: 'The pods that caused it, as they were.' })),
      },
      { description: 'The fallback of this attempt.' },
    ),
  ),
  paused: Type.Optional(
    Type.Object({
      since: Type.Optional(time('Set while paused.')),
      resumedAt: Type.Optional(time('Clocks count from here.')),
      seconds: Type.Optional(count('Paused in all, in this attempt.')),
    }),
  ),
  commands: Type.Optional(
    Type.Object({ retry: Command('Last `postcheck.dev/retry` token.'), abort: Command('Last `postcheck.dev/abort` token.') }),
  ),
  history: Type.Optional(
    Type.Array(
      Type.Object({
        attempt: Type.Integer({ format: 'int32' }),
        images: images(''),
        outcome: text('Succeeded, FellBack, FallbackFailed, Failed, Aborted, or Superseded.', 32),
        cause: text('', 1024),
        startedAt: time(''),
        finishedAt: time(''),
      }),
      { maxItems: 50, description: 'Ended attempts, newest first.' },
    ),
  ),
});

export const UpgradeSchema: TSchema = Type.Object({
  spec: SpecSchema,
  status: Type.Optional(StatusSchema),
});
