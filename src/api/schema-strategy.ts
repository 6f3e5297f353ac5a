/** How an attempt goes over its pods, as users write it. */
import { Type } from 'typebox';
import { amount, amountFromNone, listMap, name63, oneOf, seconds } from './schema-parts.ts';

const NodeSelector = Type.Object(
  {
    matchLabels: Type.Record(Type.String(), Type.String({ maxLength: 63 }), {
      description: 'Labels that a node must have.',
      maxProperties: 16,
    }),
  },
  {
    description:
      'The nodes of this stage, by their labels. DaemonSets with `updateStrategy.type: OnDelete` only.',
  },
);

const APPROVALS = ['Auto', 'Manual'] as const;

const Stage = Type.Object({
  name: Type.String({ ...name63, description: 'Name of the stage.' }),
  pods: Type.Optional(
    amount(
      'How many pods run the new version at the end of this stage, earlier stages included: a count, or a percentage of the wanted pods, rounded up. With `nodes`: how many on these nodes.',
    ),
  ),
  nodes: Type.Optional(NodeSelector),
  maxParallel: Type.Optional(amount('Overrides strategy.maxParallel for this stage.')),
  soakSeconds: Type.Optional(
    seconds(
      'How long the pods of this stage are probed further after the last one is verified. Overrides strategy.soakSeconds.',
    ),
  ),
  approval: Type.Optional(
    oneOf(APPROVALS, {
      description:
        '`Manual` waits for the annotation `postcheck.dev/approve: <attempt>/<stage>`. Overrides strategy.approval.',
    }),
  ),
});

const FailureBudget = Type.Object(
  {
    maxFailed: amountFromNone(
      'How many pods may fail while the attempt goes on: a count, or a percentage of the wanted pods, rounded down. One more, or no pod verified, and the whole version falls back. A pod that is made anew after it failed counts once.',
    ),
  },
  { description: 'How many pods may fail. Without it the first one that fails takes the version back.' },
);

export const Strategy = Type.Object(
  {
    maxParallel: Type.Optional(
      amount(
        'How many new pods may be unverified at once: a count, or a percentage of the wanted pods, rounded up. Only where postcheck replaces the pods itself (`updateStrategy.type: OnDelete`); elsewhere the limits of the workload count. Defaults to 1.',
      ),
    ),
    failureBudget: Type.Optional(FailureBudget),
    explainBy: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 317 }), {
        maxItems: 16,
        'x-kubernetes-list-type': 'set',
        description:
          'Node labels by which failures are explained: one that all pods that failed have in common, and no verified pod, is named in the status. Zone, architecture, instance type and kernel are looked at anyway.',
      }),
    ),
    soakSeconds: Type.Optional(seconds('Default of stages[].soakSeconds. Defaults to 0.')),
    approval: Type.Optional(
      oneOf(APPROVALS, { description: 'Default of stages[].approval. Defaults to Auto.' }),
    ),
    stages: Type.Optional(
      Type.Array(Stage, {
        minItems: 1,
        maxItems: 50,
        description:
          'Steps of the attempt, one after the other. The last one is everything that is left, and may be left out.',
        ...listMap('name'),
      }),
    ),
  },
  { description: 'How an attempt goes over the pods.' },
);

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;

const Window = Type.Object({
  days: Type.Optional(
    Type.Array(oneOf(DAYS, { description: 'A day of the week.' }), {
      minItems: 1,
      maxItems: 7,
      'x-kubernetes-list-type': 'set',
      description: 'Days on which it starts, in its time zone. Without it: every day.',
    }),
  ),
  start: Type.String({
    maxLength: 5,
    pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$',
    description:
      'When it starts, such as `22:00`, by the clock of its time zone. A time that the clock shows twice is the first of the two; one that it skips counts by the clock of before.',
  }),
  durationSeconds: Type.Integer({
    minimum: 60,
    maximum: 604800,
    format: 'int32',
    description: 'How long it is open, in real time: over midnight, and over changes of the clock.',
  }),
  timeZone: Type.String({
    minLength: 1,
    maxLength: 64,
    pattern: '^[A-Za-z0-9_+/-]+$',
    description: 'IANA name of its time zone, such as `Asia/Taipei`, or `UTC`.',
  }),
});

export const Windows = Type.Array(Window, {
  minItems: 1,
  maxItems: 16,
  'x-kubernetes-list-type': 'atomic',
  description:
    'When an attempt that writes something, and each further stage of it, may begin. What is under way goes on, and a fallback waits for no window. Without it: at any time.',
});
