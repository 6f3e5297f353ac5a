/** `check`: reports whether the installation is healthy. Each line says what was checked, or what to do. */
import { GATE_POLICY, GROUP, VERSION } from '../../../../src/api/names.ts';
import { SpecSchema } from '../../../../src/api/schema-spec.ts';
import { StatusSchema } from '../../../../src/api/schema-status.ts';
import type { UpgradeSpec } from '../../../../src/api/types.ts';
import { fromIso } from '../../../../src/core/time.ts';
import { podOwnerOf } from '../../../../src/core/workload/drivers.ts';
import { at, list, type Raw, record, text } from '../../../../src/kube/client/json.ts';
import { RESOURCES } from '../../../../src/kube/client/paths.ts';
import { decodeUpgrade } from '../../../../src/kube/objects/decode-upgrade.ts';
import type { Access, Cluster } from '../cluster.ts';
import { EXIT } from '../fault.ts';
import { gateCarrier } from '../gate.ts';
import type { Io } from '../io.ts';
import { plural } from '../looks.ts';
import { imageOf, type OperatorPod, operatorPods } from '../operator.ts';
import { checkFormat, forMachine } from '../output.ts';
import { age } from '../text.ts';
import { closedGates } from './gates.ts';

export interface CheckOptions {
  readonly pre?: boolean;
  readonly output?: string;
}

/** `unknown`: the caller has no permission to check this; it is no failure of the installation. */
export type Mark = 'ok' | 'warning' | 'failure' | 'unknown';
export interface Looked {
  readonly mark: Mark;
  readonly message: string;
}

/** As the chart's `kubeVersion`. */
export const LOWEST_MINOR = 34;
const GATE_MINOR = 36;
const LEASE_IS_OLD_MS = 60_000;
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
  const server = await apiServer(cluster);
  const rest = options.pre ? await before(cluster) : await installed(io, cluster, version);
  const all = [...server, ...rest];
  const failed = all.some(({ mark }) => mark === 'failure');
  if (!forMachine(io, options.output, all)) {
    for (const { mark, message } of all) {
      const [symbol, style] = SYMBOLS[mark];
      io.out(`${io.paint(style, symbol)} ${message}`);
    }
  }
  return failed ? EXIT.fault : EXIT.ok;
}

const ok = (message: string): Looked => ({ mark: 'ok', message });
const warning = (message: string): Looked => ({ mark: 'warning', message });
const failure = (message: string): Looked => ({ mark: 'failure', message });
const unknown = (message: string): Looked => ({ mark: 'unknown', message });

/** Its version, and whether it serves what the gate needs. */
async function apiServer(cluster: Cluster): Promise<Looked[]> {
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
    serves
      ? ok('the API server serves MutatingAdmissionPolicy v1: pods can be gated')
      : ok(
          `the API server does not serve MutatingAdmissionPolicy v1 (Kubernetes 1.${GATE_MINOR}): the operator's webhook can gate pods`,
        ),
  ];
}

/** May the caller install the chart? */
async function before(cluster: Cluster): Promise<Looked[]> {
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

async function installed(io: Io, cluster: Cluster, version: string): Promise<Looked[]> {
  const [crd, operator, gate, gates] = await Promise.all([
    crdLooks(cluster),
    operatorLooks(io, cluster, version),
    gateLooks(cluster),
    closedLooks(cluster),
  ]);
  return [...crd, ...operator, ...gate, ...gates];
}

async function crdLooks(cluster: Cluster): Promise<Looked[]> {
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
  const answer = await cluster.try({ method: 'GET', target: { resource: CRDS, name: `upgrades.${GROUP}` } });
  if (!answer.ok) {
    return [ok(`CRD upgrades.${GROUP} ${VERSION} is served`)];
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

/** Fields of the schema that this tool was built with, and that a CRD has not. */
function lackingFields(schema: unknown): string[] {
  const parts = { spec: SpecSchema, status: StatusSchema };
  return Object.entries(parts).flatMap(([part, { properties }]) =>
    Object.keys(properties)
      .filter((field) => at(schema, 'properties', part, 'properties', field) === undefined)
      .map((field) => `${part}.${field}`),
  );
}

async function operatorLooks(io: Io, cluster: Cluster, version: string): Promise<Looked[]> {
  let pods: OperatorPod[];
  try {
    pods = await operatorPods(cluster);
  } catch (error) {
    return [unknown(`operator: ${(error as Error).message}`)];
  }
  if (pods.length === 0) {
    return [failure('no pod of the operator is running: nothing is upgraded, and no gate is opened')];
  }
  const installations = [...Map.groupBy(pods, ({ namespace }) => namespace).values()];
  return (
    await Promise.all(installations.map((some) => installationLooks(io, cluster, some, version)))
  ).flat();
}

/** One installation: the operator's pods of one namespace. */
async function installationLooks(
  io: Io,
  cluster: Cluster,
  pods: readonly OperatorPod[],
  version: string,
): Promise<Looked[]> {
  const [first] = pods;
  if (!first) {
    return [];
  }
  const ready = pods.filter(({ raw }) =>
    list(at(raw, 'status', 'conditions')).some(
      (one) => record(one).type === 'Ready' && record(one).status === 'True',
    ),
  );
  const image = imageOf(first);
  const line = `operator ${image}: ${ready.length} of ${plural(pods.length, 'pod')} Ready in namespace ${first.namespace}`;
  const account = text(at(first.raw, 'spec', 'serviceAccountName'));
  return [
    ready.length > 0 ? ok(line) : failure(line),
    ...skew(pods, version),
    await leaseLook(io, cluster, first),
    ...(await rightLooks(cluster, `system:serviceaccount:${first.namespace}:${account}`)),
  ];
}

/** What this tool foresees are the decisions of its own version. A tag that is no version says nothing. */
function skew(pods: readonly OperatorPod[], version: string): Looked[] {
  const tags = pods.flatMap((pod) => /:v?(\d+\.\d+\.\d+[^@]*)/.exec(imageOf(pod))?.[1] ?? []);
  const others = [...new Set(tags)].filter((one) => one !== version);
  return others.length === 0
    ? []
    : [
        warning(
          `the operator is ${others.join(' and ')}, this tool is ${version}: use the tool of the operator’s release`,
        ),
      ];
}

/** The flag of the operator's own command line says the lease's name. */
function leaseName(raw: Raw): string {
  const args = list(record(list(at(raw, 'spec', 'containers'))[0]).args).map(text);
  return args.find((word) => word.startsWith('--lease-name='))?.slice('--lease-name='.length) ?? 'postcheck';
}

async function leaseLook(io: Io, cluster: Cluster, { namespace, raw }: OperatorPod): Promise<Looked> {
  const answer = await cluster.try({
    method: 'GET',
    target: { resource: RESOURCES.Lease, namespace, name: leaseName(raw) },
  });
  if (!answer.ok) {
    return answer.failure.kind === 'notFound'
      ? failure(`no lease ${leaseName(raw)} in namespace ${namespace}: no replica is leading`)
      : unknown(
          `leader: ${cluster.fault(answer.failure, answer.status, { resource: RESOURCES.Lease }).message}`,
        );
  }
  const { holderIdentity, renewTime } = record(at(answer.body, 'spec'));
  const since = io.now() - fromIso(text(renewTime));
  const line = `leader ${text(holderIdentity) || '(none)'}, renewed ${age(since)} ago`;
  return text(holderIdentity) && since < LEASE_IS_OLD_MS
    ? ok(line)
    : failure(`${line}: no replica is leading, so nothing is upgraded`);
}

/** What the operator cannot do without. */
const OPERATOR_RIGHTS: readonly (Access & { readonly verb: string })[] = [
  ...['list', 'watch'].flatMap((verb) => [
    { verb, group: GROUP, resource: 'upgrades' },
    ...['deployments', 'statefulsets', 'daemonsets', 'replicasets', 'controllerrevisions'].map(
      (resource) => ({
        verb,
        group: 'apps',
        resource,
      }),
    ),
    { verb, resource: 'pods' },
  ]),
  { verb: 'patch', group: GROUP, resource: 'upgrades', subresource: 'status' },
  ...['deployments', 'statefulsets', 'daemonsets'].map((resource) => ({
    verb: 'patch',
    group: 'apps',
    resource,
  })),
  { verb: 'patch', resource: 'pods', subresource: 'status' },
  { verb: 'create', resource: 'pods', subresource: 'exec' },
  { verb: 'delete', resource: 'pods' },
];

/** Checks what the operator's account can do in this namespace. */
async function rightLooks(cluster: Cluster, user: string): Promise<Looked[]> {
  const answers = await Promise.all(
    OPERATOR_RIGHTS.map(async ({ verb, ...what }) => ({
      verb,
      what,
      answer: await cluster.try({
        method: 'POST',
        target: { resource: { root: '/apis/authorization.k8s.io/v1', plural: 'subjectaccessreviews' } },
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: { user, resourceAttributes: { verb, namespace: cluster.namespace, ...what } },
        },
      }),
    })),
  );
  if (answers.some(({ answer }) => !answer.ok)) {
    return [unknown('cannot check the permissions of the operator: you need create on subjectaccessreviews')];
  }
  const lacking = answers.filter(({ answer }) => answer.ok && at(answer.body, 'status', 'allowed') !== true);
  return lacking.length === 0
    ? [ok(`the operator has all permissions that it needs in namespace ${cluster.namespace}`)]
    : [
        failure(
          `${user} lacks permissions in namespace ${cluster.namespace}: ${lacking.map(({ verb, what }) => `${verb} ${what.resource}${what.subresource ? `/${what.subresource}` : ''}`).join(', ')}`,
        ),
      ];
}

async function gateLooks(cluster: Cluster): Promise<Looked[]> {
  const carrier = await gateCarrier(cluster);
  if (carrier === 'None') {
    return [
      warning(
        `neither the gate policy nor the gate webhook ${GATE_POLICY} is installed: upgrades run without a gate (gate.carrier of the chart)`,
      ),
    ];
  }
  if (carrier === 'Unknown') {
    return [
      unknown(`cannot determine whether the gate policy or the gate webhook ${GATE_POLICY} is installed`),
    ];
  }
  const line =
    carrier === 'Policy'
      ? `gates are added by the admission policy ${GATE_POLICY}`
      : `gates are added by the operator's webhook ${GATE_POLICY}`;
  return [ok(line), ...(await tryGate(cluster))];
}

/** While an attempt gates: a pod like those of its target, sent as a dry run, comes back with the gate or without. */
async function tryGate(cluster: Cluster): Promise<Looked[]> {
  const upgrades = await cluster.list(RESOURCES.Upgrade).catch((): readonly Raw[] => []);
  const gating = upgrades.find((raw) => at(raw, 'status', 'attempt', 'gating') === true);
  if (!gating) {
    return [ok('no running attempt has a gate, so no trial pod was sent')];
  }
  const { kind, name } = record(at(gating, 'spec', 'targetRef'));
  const namespace = text(at(gating, 'metadata', 'namespace'));
  const answer = await cluster.try({
    method: 'POST',
    target: { resource: RESOURCES.Pod, namespace },
    query: { dryRun: 'All' },
    body: trialPod(decodeUpgrade(gating).spec),
  });
  const where = `of ${text(kind)} ${namespace}/${text(name)}`;
  if (!answer.ok) {
    return [unknown(`a trial pod ${where}: ${answer.failure.message}`)];
  }
  const gates = list(at(answer.body, 'spec', 'readinessGates')).map((one) => text(record(one).conditionType));
  return [
    gates.includes(`${GROUP}/verified`)
      ? ok(`a trial pod ${where} (dry run) got its readiness gate`)
      : failure(
          `a trial pod ${where} (dry run) got no readiness gate: new pods of its attempt serve unverified`,
        ),
  ];
}

function trialPod({ targetRef, containers }: UpgradeSpec): object {
  const hash = 'trial';
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${targetRef.name}-${hash}-`,
      labels: { 'pod-template-hash': hash },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          ...podOwnerOf(targetRef, hash),
          uid: '00000000-0000-4000-8000-000000000000',
          controller: true,
        },
      ],
    },
    spec: {
      containers: containers.map(({ name, image }) => ({ name, image })),
    },
  };
}

async function closedLooks(cluster: Cluster): Promise<Looked[]> {
  try {
    const all = await closedGates(cluster, undefined);
    const orphans = all.filter(({ upgrade }) => upgrade === undefined);
    const line =
      all.length === 0
        ? 'no closed gates'
        : `${plural(all.length, 'closed gate')}, ${orphans.length} of them not needed by any attempt`;
    return [orphans.length > 0 ? warning(`${line}: kubectl postcheck gates -A`) : ok(line)];
  } catch (error) {
    return [unknown(`closed gates: ${(error as Error).message}`)];
  }
}
