/** Checks the operator's pods, its leader and its permissions. */
import { GROUP } from '../../../../src/api/names.ts';
import { fromIso } from '../../../../src/core/time.ts';
import { at, list, type Raw, record, text } from '../../../../src/kube/client/json.ts';
import { RESOURCES } from '../../../../src/kube/client/paths.ts';
import type { Access, Cluster } from '../cluster.ts';
import type { Io } from '../io.ts';
import { plural } from '../looks.ts';
import { imageOf, type OperatorPod, operatorPods } from '../operator.ts';
import { age } from '../text.ts';
import { type CheckResult, failure, isDeleting, ok, unknown, warning } from './result.ts';

const LEASE_OUTDATED_MS = 60_000;

export async function checkOperator(io: Io, cluster: Cluster, version: string): Promise<CheckResult[]> {
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
  const results = await Promise.all(
    installations.map((some) => checkInstallation(io, cluster, some, version)),
  );
  return [...results.flat(), ...checkWatched(cluster.namespace, installations)];
}

/** Checks that exactly one installation acts on the Upgrades of this namespace. */
function checkWatched(namespace: string, installations: readonly (readonly OperatorPod[])[]): CheckResult[] {
  const first = installations.flatMap(([pod]) => pod ?? []);
  const acting = first.filter((pod) => watches(pod, namespace));
  if (acting.length === 1) {
    return [];
  }
  return [
    acting.length === 0
      ? warning(
          `no operator acts on Upgrades in namespace ${namespace}, only in ${first.flatMap(watchedBy).join(', ')}: add it to watchNamespaces of the chart, or choose a namespace with -n`,
        )
      : failure(
          `the operators in namespaces ${acting.map((pod) => pod.namespace).join(' and ')} act on the same Upgrades, those in namespace ${namespace}: set separate watchNamespaces`,
        ),
  ];
}

/** Checks one installation: the operator's pods in one namespace. */
async function checkInstallation(
  io: Io,
  cluster: Cluster,
  pods: readonly OperatorPod[],
  version: string,
): Promise<CheckResult[]> {
  const [first] = pods;
  if (!first) {
    return [];
  }
  const ready = pods.filter(
    ({ raw }) =>
      !isDeleting(raw) &&
      list(at(raw, 'status', 'conditions')).some(
        (one) => record(one).type === 'Ready' && record(one).status === 'True',
      ),
  );
  const image = imageOf(first);
  const line = `operator ${image}: ${ready.length} of ${plural(pods.length, 'pod')} Ready in namespace ${first.namespace}`;
  const account = text(at(first.raw, 'spec', 'serviceAccountName'));
  return [
    ready.length > 0 ? ok(line) : failure(line),
    ...checkVersions(pods, version),
    await checkLease(io, cluster, first),
    // With a list of namespaces it has no permissions elsewhere.
    ...(watches(first, cluster.namespace)
      ? await checkPermissions(cluster, `system:serviceaccount:${first.namespace}:${account}`)
      : []),
  ];
}

/** Compares versions, because this tool predicts the decisions of its own version. A tag that is not a version is ignored. */
function checkVersions(pods: readonly OperatorPod[], version: string): CheckResult[] {
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

/** Returns the value of a flag of the operator as its chart writes it; of several, the last one counts. */
function flag(raw: Raw, name: string): string | undefined {
  const args = list(record(list(at(raw, 'spec', 'containers'))[0]).args).map(text);
  return args.findLast((word) => word.startsWith(`--${name}=`))?.slice(`--${name}=`.length);
}

const leaseName = (raw: Raw): string => flag(raw, 'lease-name') ?? 'postcheck';

/** The namespaces in which the operator acts; empty means all. */
const watchedBy = ({ raw }: OperatorPod): string[] =>
  (flag(raw, 'watch-namespaces') ?? '').split(',').filter((name) => name !== '');

function watches(pod: OperatorPod, namespace: string): boolean {
  const watched = watchedBy(pod);
  return watched.length === 0 || watched.includes(namespace);
}

async function checkLease(io: Io, cluster: Cluster, { namespace, raw }: OperatorPod): Promise<CheckResult> {
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
  return text(holderIdentity) && since < LEASE_OUTDATED_MS
    ? ok(line)
    : failure(`${line}: no replica is leading, so nothing is upgraded`);
}

/** The permissions that the operator needs. */
const OPERATOR_PERMISSIONS: readonly (Access & { readonly verb: string })[] = [
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

/** Checks what the operator's account may do in this namespace. */
async function checkPermissions(cluster: Cluster, user: string): Promise<CheckResult[]> {
  const answers = await Promise.all(
    OPERATOR_PERMISSIONS.map(async ({ verb, ...what }) => ({
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
