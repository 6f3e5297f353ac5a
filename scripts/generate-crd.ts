/** The CustomResourceDefinition, from src/api/schema-*.ts. */
import { createHash } from 'node:crypto';
import { stringify } from 'yaml';
import { GROUP, SCHEMA_ANNOTATION, UNSEEN, VERSION } from '../src/api/names.ts';
import { SpecSchema } from '../src/api/schema-spec.ts';
import { StatusSchema } from '../src/api/schema-status.ts';

export interface Schema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  patternProperties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  [keyword: string]: unknown;
}

const LIST_TYPE = 'x-kubernetes-list-type';

/** An empty object or list as a default says nothing: the fields inside have their own. */
export const hasPlainDefault = ({ default: initial, type }: Schema): boolean =>
  initial !== undefined && type !== 'object';

/** As the Kubernetes API does it: the default is the last sentence of the description, for `kubectl explain`. */
function described(schema: Schema): Schema {
  const { description, default: initial } = schema;
  if (!hasPlainDefault(schema)) {
    return schema;
  }
  const shown = initial === '' ? 'empty' : typeof initial === 'string' ? initial : JSON.stringify(initial);
  return { ...schema, description: `${description} Defaults to ${shown}.` };
}

/** What the schema language of the source leaves unsaid, and structural schemas ask for. */
function structural(schema: Schema): Schema {
  const { properties, required, items, patternProperties, ...rest } = described(schema);
  const result: Schema = { ...rest };
  if (properties) {
    result.properties = Object.fromEntries(
      Object.entries(properties).map(([name, field]) => [name, structural(field)]),
    );
    const needed = (required ?? []).filter((name) => properties[name]?.default === undefined);
    if (needed.length > 0) {
      result.required = needed;
    }
  }
  if (items) {
    // Said of each list: a list that is not merged by a key belongs to one applier as a whole.
    Object.assign(result, { [LIST_TYPE]: rest[LIST_TYPE] ?? 'atomic', items: structural(items) });
  }
  const values = patternProperties && Object.values(patternProperties)[0];
  if (values) {
    Object.assign(result, { type: 'object', additionalProperties: structural(values) });
  }
  return result;
}

const plain = (schema: unknown): Schema => JSON.parse(JSON.stringify(schema));

/** As TypeBox has it: for the reference, where defaults have a column of their own. */
export const spec = plain(SpecSchema);
export const status = plain(StatusSchema);

const column = (name: string, type: string, jsonPath: string, description: string, priority = 0) => ({
  name,
  type,
  jsonPath,
  description,
  priority,
});

const ready = (field: string) => `.status.conditions[?(@.type=="Ready")].${field}`;

const definition = {
  group: GROUP,
  scope: 'Namespaced',
  names: {
    kind: 'Upgrade',
    listKind: 'UpgradeList',
    plural: 'upgrades',
    singular: 'upgrade',
    shortNames: ['upg'],
    categories: ['postcheck'],
  },
  versions: [
    {
      name: VERSION,
      served: true,
      storage: true,
      subresources: { status: {} },
      // From Kubernetes 1.32 on; older ones leave it out. `kubectl get upgrades --field-selector status.phase=FellBack`
      selectableFields: ['.status.phase', '.spec.targetRef.kind', '.spec.targetRef.name'].map((jsonPath) => ({
        jsonPath,
      })),
      additionalPrinterColumns: [
        column('Kind', 'string', '.spec.targetRef.kind', 'Kind of the workload that is upgraded'),
        column('Target', 'string', '.spec.targetRef.name', 'Its name'),
        column('Phase', 'string', '.status.phase', 'Where the Upgrade stands'),
        column('Ready', 'string', ready('status'), 'Does the target run what the Upgrade names, verified?'),
        column('Reason', 'string', ready('reason'), 'Why, in one word; runbooks are named after it'),
        column('Passed', 'string', '.status.summary', 'Passed of wanted pods'),
        column('Stage', 'string', '.status.stage', 'The present stage, such as 2/4 canary', 1),
        // The API server prints the first value only, of whatever a path finds.
        column('Image', 'string', '.spec.containers[0].image', 'The wanted image of the first container', 1),
        column('Attempt', 'integer', '.status.attempt.number', 'Number of the attempt', 1),
        column('Age', 'date', '.metadata.creationTimestamp', 'Since when the Upgrade exists'),
        column('Message', 'string', '.status.headline', 'What happened, in short'),
      ],
      schema: {
        openAPIV3Schema: {
          type: 'object',
          description:
            'Upgrade rolls new images into a workload, verifies each pod from inside its containers, and falls back when verification does not come.',
          required: ['spec'],
          properties: {
            apiVersion: { type: 'string', description: `Version of this schema: ${GROUP}/${VERSION}.` },
            kind: { type: 'string', description: 'Upgrade.' },
            metadata: {
              type: 'object',
              properties: {
                name: { type: 'string', maxLength: 253, description: 'Name of the Upgrade.' },
              },
            },
            spec: {
              ...structural(spec),
              description:
                'Which images the workload shall run, how they are verified, and what happens when they fail.',
            },
            status: {
              ...structural(status),
              default: { observedGeneration: UNSEEN },
              description: 'What was done, and what is known of the pods. Written by the operator alone.',
            },
          },
        },
      },
    },
  ],
};

const schemaDigest = createHash('sha256').update(JSON.stringify(definition)).digest('hex').slice(0, 12);

const crd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: `upgrades.${GROUP}`,
    annotations: { 'helm.sh/resource-policy': 'keep', [SCHEMA_ANNOTATION]: schemaDigest },
  },
  spec: definition,
};

const BANNER = '# Generated by scripts/generate.ts from src/api/schema-*.ts; do not edit.\n';
// YAML 1.1, as kubectl and Helm read it: there, on, off, yes and no would be booleans.
export const crdYaml =
  BANNER + stringify(crd, { lineWidth: 0, aliasDuplicateObjects: false, version: '1.1' });
