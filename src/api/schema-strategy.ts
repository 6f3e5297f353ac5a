/** How an attempt goes over its pods, as users write it. */
import { Type } from 'typebox';
import { amount } from './schema-parts.ts';

export const Strategy = Type.Object(
  {
    maxParallel: Type.Optional(
      amount(
        'How many new pods may be unverified at once: a count, or a percentage of the wanted pods, rounded up. Only where postcheck replaces the pods itself (`updateStrategy.type: OnDelete`); elsewhere the limits of the workload count. Defaults to 1.',
      ),
    ),
  },
  { description: 'How an attempt goes over the pods.' },
);
