/** How an attempt goes over its pods, as users write it. */
import { Type } from 'typebox';
import { amount, listMap, name63, oneOf, seconds } from './schema-parts.ts';

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

export const Strategy = Type.Object(
  {
    maxParallel: Type.Optional(
      amount(
        'How many new pods may be unverified at once: a count, or a percentage of the wanted pods, rounded up. Only where postcheck replaces the pods itself (`updateStrategy.type: OnDelete`); elsewhere the limits of the workload count. Defaults to 1.',
      ),
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
