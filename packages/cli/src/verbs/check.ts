/** `check`: reports whether the installation is healthy. Each line says what was checked, or what to do. */
import { GROUP, VERSION } from '../../../../src/api/names.ts';
import { SpecSchema } from '../../../../src/api/schema-spec.ts';
import { StatusSchema } from '../../../../src/api/schema-status.ts';
import { at, list, record, text } from '../../../../src/kube/client/json.ts';
import { checkClosedGates, checkGate } from '../check/gate.ts';
import { checkOperator } from '../check/operator.ts';
import { type CheckResult, failure, isDeleting, type Mark, ok, unknown, warning } from '../check/result.ts';
import type { Access, Cluster } from '../cluster.ts';
import { EXIT } from '../fault.ts';
import type { Io } from '../io.ts';
import { checkFormat, forMachine } from '../output.ts';

export interface CheckOptions {
  readonly pre?: boolean;
  readonly output?: string;
}

/** The same as `kubeVersion` of the chart. */
export const LOWEST_MINOR = 34;
const GATE_MINOR = 36;

const SYMBOLS: Readonly<Record<Mark, [string, Parameters<Io['paint']>[0]]>> = {
  ok: ['✔', 'green'],
  warning: ['!', 'yellow'],
  failure: ['✗', 'red'],
  unknown: ['?', 'gray'],
};
const ADMISSION = { root: '/apis/admissionregistration.k8s.io', plural: 'v1' };
const POLICY = { root: '/apis/admissionregistration.k8s.io/v1', plural: 'mutatingadmissionpolicies' };
const CRDS = { root: '/apis/apiextensions.k8s.io/v1', plural: 'customresourcedefinitions' };

export async function check(
  io: Io,
  cluster: Cluster,
  options: CheckOptions,
  version: string,
): Promise<number> {
  checkFormat(options.output, ['json', 'yaml']);
  const server = await checkApiServer(cluster);
  const rest = options.pre ? await checkPrerequisites(cluster) : await checkInstalled(io, cluster, version);
  const all = [...server, ...rest, ...nothingRead(rest)];
  const failed = all.some(({ mark }) => mark === 'failure');
  if (!forMachine(io, options.output, all)) {
    for (const { mark, message } of all) {
      const [symbol, style] = SYMBOLS[mark];
      io.out(`${io.paint(style, symbol)} ${message}`);
    }
  }
  return failed ? EXIT.fault : EXIT.ok;
}

/** Nothing that could be read is no sign of health: a caller without any permission must not take it for one. */
export const nothingRead = (results: readonly CheckResult[]): CheckResult[] =>
  results.every(({ mark }) => mark === 'unknown')
    ? [
        failure(
          'nothing of the installation could be read, so nothing is known of it: run this as somebody who may list pods in the whole cluster',
        ),
      ]
    : [];

/** Checks the version of the API server, and whether it serves what the gate needs. */
async function checkApiServer(cluster: Cluster): Promise<CheckResult[]> {
  const version = await cluster.read({ resource: { root: '', plural: 'version' } });
  const name = text(version.gitVersion);
  const minor = Number.parseInt(text(version.minor), 10);
  const policies = await cluster.try({ method: 'GET', target: { resource: ADMISSION } });
  const serves =
    policies.ok && list(record(policies.body).resources).some((one) => record(one).name === POLICY.plural);
  return [
    minor >= LOWEST_MINOR
      ? ok(`API server ${name}`)
      : failure(`API server ${name}: 1.${LOWEST_MINOR} or newer is needed`),
    !policies.ok && policies.failure.kind !== 'notFound'
      ? unknown(`whether the API server serves MutatingAdmissionPolicy v1: ${policies.failure.message}`)
      : serves
        ? ok('the API server serves MutatingAdmissionPolicy v1: pods can be gated')
        : ok(
            `the API server does not serve MutatingAdmissionPolicy v1 (Kubernetes 1.${GATE_MINOR}): the operator's webhook can gate pods`,
          ),
  ];
}

/** Checks whether the caller may install the chart. */
async function checkPrerequisites(cluster: Cluster): Promise<CheckResult[]> {
  const needs: readonly [what: string, access: Access][] = [
    ['the CRD', { group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' }],
    ['ClusterRoles', { group: 'rbac.authorization.k8s.io', resource: 'clusterroles' }],
    ['the gate policy', { group: 'admissionregistration.k8s.io', resource: POLICY.plural }],
    ['Deployments', { group: 'apps', resource: 'deployments', namespace: cluster.namespace }],
  ];
  return await Promise.all(
    needs.map(async ([what, access]) => {
      const may = await cluster.may('create', access);
      const name = `${access.resource}${access.group ? `.${access.group}` : ''}`;
      return may === undefined
        ? unknown(`cannot determine whether you can create ${what}`)
        : may
          ? ok(`you can create ${what}`)
          : failure(`you cannot create ${what}: you need the verb create on ${name}`);
    }),
  );
}

export async function checkInstalled(io: Io, cluster: Cluster, version: string): Promise<CheckResult[]> {
  const [crd, operator, gate, gates] = await Promise.all([
    checkCrd(cluster),
    checkOperator(io, cluster, version),
    checkGate(cluster),
    checkClosedGates(cluster),
  ]);
  return [...crd, ...operator, ...gate, ...gates];
}

async function checkCrd(cluster: Cluster): Promise<CheckResult[]> {
  const served = await cluster.try({
    method: 'GET',
    target: { resource: { root: `/apis/${GROUP}`, plural: VERSION } },
  });
  if (!served.ok) {
    return [
      served.failure.kind === 'notFound'
        ? failure(`the CRD upgrades.${GROUP} is not installed: install the chart`)
        : unknown(`CRD: ${served.failure.message}`),
    ];
  }
  const target = { resource: CRDS, name: `upgrades.${GROUP}` };
  const answer = await cluster.try({ method: 'GET', target });
  if (!answer.ok) {
    const { message } = cluster.fault(answer.failure, answer.status, target);
    return [
      unknown(
        `CRD upgrades.${GROUP} ${VERSION} is served; whether it is complete or being deleted: ${message}`,
      ),
    ];
  }
  if (isDeleting(answer.body)) {
    return [
      failure(
        `the CRD upgrades.${GROUP} is being deleted, and every Upgrade with it, each once its finalizer is removed: no Upgrade can be created until it is gone and the chart's CRD is applied again; save them first with \`kubectl get upgrades -A -o yaml\``,
      ),
    ];
  }
  const version = list(at(answer.body, 'spec', 'versions')).find((one) => record(one).name === VERSION);
  const lacking = lackingFields(at(version, 'schema', 'openAPIV3Schema'));
  return [
    lacking.length === 0
      ? ok(`CRD upgrades.${GROUP} ${VERSION} has every field that this tool reads`)
      : warning(
          `CRD upgrades.${GROUP} ${VERSION} is older than this tool and lacks ${lacking.join(', ')}: apply the chart's CRD (Helm does not upgrade CRDs by itself)`,
        ),
  ];
}

/** Returns the fields of the schema that this tool was built with and the CRD does not have. */
function lackingFields(schema: unknown): string[] {
  const parts = { spec: SpecSchema, status: StatusSchema };
  return Object.entries(parts).flatMap(([part, { properties }]) =>
    Object.keys(properties)
      .filter((field) => at(schema, 'properties', part, 'properties', field) === undefined)
      .map((field) => `${part}.${field}`),
  );
}
