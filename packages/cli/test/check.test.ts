/** `check`: what it could not read, or what is being deleted, is no sign of health. */
import { describe, expect, test } from '@jest/globals';
import { SpecSchema } from '../../../src/api/schema-spec.ts';
import { StatusSchema } from '../../../src/api/schema-status.ts';
import type { Cluster } from '../src/cluster.ts';
import { requestFault } from '../src/cluster-fault.ts';
import { check } from '../src/verbs/check.ts';
import { fakeIo } from './io.ts';

type Bodies = Readonly<Record<string, object>>;

const crd = (metadata: object) => ({
  metadata,
  spec: {
    versions: [
      {
        name: 'v1alpha1',
        schema: {
          openAPIV3Schema: {
            properties: {
              spec: { properties: SpecSchema.properties },
              status: { properties: StatusSchema.properties },
            },
          },
        },
      },
    ],
  },
});

/** A cluster in which the caller may read these objects, by plural, and whatever everybody may. */
function clusterWith(bodies: Bodies): Cluster {
  const fault = (plural: string) =>
    requestFault('https://x', { kind: 'forbidden', message: `no ${plural}` }, 403, {
      resource: { root: '', plural },
    });
  return {
    namespace: 'shop',
    read: async () => ({ gitVersion: 'v1.36.0', minor: '36' }),
    may: async () => undefined,
    list: async ({ plural }: { plural: string }) => {
      if (bodies[plural] === undefined) {
        throw fault(plural);
      }
      return bodies[plural];
    },
    try: async ({ target: { resource } }: { target: { resource: { plural: string } } }) => {
      const body = bodies[resource.plural] ?? (/^v1/.test(resource.plural) ? {} : undefined);
      return body
        ? { ok: true, status: 200, body }
        : { ok: false, status: 403, failure: { kind: 'forbidden', message: `no ${resource.plural}` } };
    },
    fault: (_failure: unknown, _status: number, { resource }: { resource: { plural: string } }) =>
      fault(resource.plural),
  } as unknown as Cluster;
}

async function checked(bodies: Bodies, options = {}): Promise<{ code: number; lines: readonly string[] }> {
  const io = fakeIo();
  const code = await check(io, clusterWith(bodies), options, '0.1.0');
  return { code, lines: io.lines };
}

describe('check', () => {
  test('fails if nothing of the installation could be read, and says who can', async () => {
    for (const options of [{}, { pre: true }]) {
      const { code, lines } = await checked({}, options);
      expect(code).toBe(1);
      expect(lines.at(-1)).toBe(
        '✗ nothing of the installation could be read, so nothing is known of it: run this as somebody who may list pods in the whole cluster',
      );
    }
  });

  test('has no ✔ for what it could not read', async () => {
    const { lines } = await checked({ mutatingadmissionpolicybindings: {} });
    expect(lines.filter((line) => line.startsWith('✔'))).toEqual([
      '✔ API server v1.36.0',
      expect.stringMatching(/^✔ the API server does not serve MutatingAdmissionPolicy/),
      expect.stringMatching(/^✔ gates are added by the admission policy/),
    ]);
  });

  test('says of a CRD that is being deleted that it is, and what to do', async () => {
    const name = 'customresourcedefinitions';
    const good = await checked({ [name]: crd({}) });
    expect([good.code, good.lines.some((line) => line.startsWith('✔ CRD'))]).toEqual([0, true]);
    const { code, lines } = await checked({ [name]: crd({ deletionTimestamp: '2026-01-01T00:00:00Z' }) });
    expect(code).toBe(1);
    expect(lines).toContainEqual(
      expect.stringMatching(/^✗ the CRD upgrades\.postcheck\.dev is being deleted.*applied again/),
    );
  });

  test('counts no pod of the operator that is being deleted', async () => {
    const podWith = (metadata: object) => ({
      metadata: { namespace: 'postcheck-system', name: 'a', ...metadata },
      spec: { containers: [{ image: 'postcheck:0.1.0' }] },
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    });
    expect((await checked({ pods: [podWith({})] })).lines).toContainEqual(
      expect.stringMatching(/^✔ operator .*: 1 of 1 pod Ready/),
    );
    const leaving = await checked({ pods: [podWith({ deletionTimestamp: '2026-01-01T00:00:00Z' })] });
    expect(leaving.lines).toContainEqual(expect.stringMatching(/^✗ operator .*: 0 of 1 pod Ready/));
  });
});
