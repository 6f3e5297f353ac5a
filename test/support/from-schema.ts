/** Values that a schema allows, small and odd, for property tests: what users can write is what the tests try. */
import fc from 'fast-check';

interface Schema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly anyOf?: readonly Schema[];
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
}

const ODD = [
  '',
  'web',
  'a',
  '__proto__',
  'constructor',
  '\u0000',
  '../..',
  '$(reboot)',
  '💥',
  ' ',
  '"',
  'x'.repeat(300),
  `a${'😀'.repeat(127)}`,
  `a${'😀'.repeat(255)}`,
];

function text({ pattern, format, minLength = 0, maxLength = 400 }: Schema): fc.Arbitrary<string> {
  if (format === 'date-time') {
    return fc
      .integer({ min: 1_700_000_000_000, max: 1_800_000_000_000 })
      .map((ms) => new Date(ms).toISOString());
  }
  if (pattern) {
    return fc
      .stringMatching(new RegExp(pattern), { maxLength: Math.min(maxLength, 40) })
      .filter((value) => value.length >= minLength && value.length <= maxLength);
  }
  return fc
    .oneof(fc.constantFrom(...ODD), fc.string({ maxLength: 30 }))
    .filter((value) => value.length >= minLength && value.length <= maxLength);
}

function list(schema: Schema): fc.Arbitrary<unknown[]> {
  const { items = {}, minItems = 0, maxItems = 4 } = schema;
  const [key] = schema['x-kubernetes-list-map-keys'] ?? [];
  const length = { minLength: minItems, maxLength: Math.min(maxItems, Math.max(minItems, 4)) };
  const element = valuesOf(items);
  return key
    ? fc.uniqueArray(element, { ...length, selector: (value) => (value as Record<string, unknown>)[key] })
    : fc.array(element, length);
}

function object({ properties = {}, required = [], patternProperties }: Schema): fc.Arbitrary<unknown> {
  if (patternProperties) {
    const [values = {}] = Object.values(patternProperties);
    return fc.dictionary(fc.constantFrom('web', 'log', 'migrate', '__proto__x'), valuesOf(values), {
      maxKeys: 3,
      noNullPrototype: true,
    });
  }
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, valuesOf(schema)]),
  );
  return fc.record(fields, { requiredKeys: [...required], noNullPrototype: true });
}

/** An arbitrary of what `schema` allows. Objects may lack what they may lack. */
export function valuesOf(schema: unknown): fc.Arbitrary<unknown> {
  const own = schema as Schema;
  if (own.enum) {
    return fc.constantFrom(...own.enum);
  }
  if (own.anyOf) {
    return fc.oneof(...own.anyOf.map(valuesOf));
  }
  switch (own.type) {
    case 'object':
      return object(own);
    case 'array':
      return list(own);
    case 'boolean':
      return fc.boolean();
    case 'integer':
    case 'number':
      return fc.oneof(
        fc.integer({ min: own.minimum ?? 0, max: Math.min(own.maximum ?? 1000, 1000) }),
        fc.constant(own.maximum ?? 1000),
      );
    default:
      return text(own);
  }
}
