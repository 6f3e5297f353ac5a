/** How an attempt proceeds over its pods, as users write it. */
import { Type } from 'typebox';
import { amount, amountFromNone, listMap, name63, oneOf, rules, seconds } from './schema-parts.ts';

const NodeSelector = Type.Object(
  {
    matchLabels: Type.Record(Type.String(), Type.String({ maxLength: 63 }), {
      description: 'Labels that a node must have.',
      maxProperties: 16,
    }),
  },
  {
    description:
      'Selects the nodes of this stage by label. Only for DaemonSets with `updateStrategy.type: OnDelete`.',
  },
);

const APPROVALS = ['Auto', 'Manual'] as const;

const Stage = Type.Object({
  name: Type.String({ ...name63, description: 'Name of the stage.' }),
  pods: Type.Optional(
    amount(
      'How many pods run the new version at the end of this stage, earlier stages included: a count, or a percentage of the desired pods, rounded up. With `nodes`: how many on these nodes.',
    ),
  ),
  nodes: Type.Optional(NodeSelector),
  maxParallel: Type.Optional(amount('Overrides strategy.maxParallel for this stage.')),
  soakSeconds: Type.Optional(
    seconds(
      'How long the pods of this stage are still probed after the last one is verified. Overrides strategy.soakSeconds.',
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
      'How many pods may fail while the attempt continues: a count, or a percentage of the desired pods, rounded down. If one more fails, or no pod is verified, the whole version falls back. A failed pod and its replacements count once.',
    ),
  },
  { description: 'How many pods may fail. Without it, the first failed pod rolls back the version.' },
);

export const Strategy = Type.Object(
  {
    maxParallel: Type.Optional(
      amount(
        'How many new pods may be unverified at once: a count, or a percentage of the desired pods, rounded up. Only if postcheck replaces the pods itself (`updateStrategy.type: OnDelete`); otherwise the limits of the workload apply. Defaults to 1.',
      ),
    ),
    failureBudget: Type.Optional(FailureBudget),
    explainBy: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 317 }), {
        maxItems: 16,
        'x-kubernetes-list-type': 'set',
        description:
          'Node labels that may explain failures: the status names a label that all failed pods share and no verified pod has. Zone, architecture, instance type and kernel are always considered.',
      }),
    ),
    soakSeconds: Type.Optional(seconds('Default for stages[].soakSeconds. Defaults to 0.')),
    approval: Type.Optional(
      oneOf(APPROVALS, { description: 'Default for stages[].approval. Defaults to Auto.' }),
    ),
    stages: Type.Optional(
      Type.Array(Stage, {
        minItems: 1,
        maxItems: 50,
        description:
          'Stages of the attempt, in order. The last one contains all remaining pods, and may be omitted.',
        ...listMap('name'),
        ...rules({
          rule: 'self.map(s, has(s.nodes) ? s.nodes.matchLabels.map(key, key.size() + s.nodes.matchLabels[key].size()).sum() : 0).sum() <= 16384',
          message:
            'the node labels of all stages have more than 16384 characters together: label the nodes of each stage with one label',
        }),
      }),
    ),
  },
  { description: 'How an attempt proceeds over the pods.' },
);

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;

const Window = Type.Object({
  days: Type.Optional(
    Type.Array(oneOf(DAYS, { description: 'A day of the week.' }), {
      minItems: 1,
      maxItems: 7,
      'x-kubernetes-list-type': 'set',
      description: 'Days on which the window starts, in its time zone. Defaults to every day.',
    }),
  ),
  start: Type.String({
    maxLength: 5,
    pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$',
    description:
      'When the window starts, such as `22:00`, in its time zone. Of a time that occurs twice, the first one counts; a time that the clock skips uses the UTC offset before the change.',
  }),
  durationSeconds: Type.Integer({
    minimum: 60,
    maximum: 604800,
    format: 'int32',
    description: 'How long the window is open, in elapsed time, across midnight and across clock changes.',
  }),
  timeZone: Type.String({
    minLength: 1,
    maxLength: 64,
    pattern: '^[A-Za-z0-9_+/-]+$',
    description: 'IANA name of the time zone, such as `Asia/Taipei`, or `UTC`.',
  }),
});

export const Windows = Type.Array(Window, {
  minItems: 1,
  maxItems: 16,
  'x-kubernetes-list-type': 'atomic',
  description:
    'When an attempt that writes something, and each of its further stages, may start. A running stage continues, and a fallback does not wait for a window. Defaults to any time.',
});
