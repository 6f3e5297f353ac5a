/**
 * Paths of the API server. Every part that comes from an object or a user is checked before it enters a URL: in a client that does not check, a
 * pod named `../../nodes/x` reaches another resource (kubernetes-client/javascript builds exec paths unencoded).
 */

/** Where a kind lives in the API. */
export interface Resource {
  /** `/api/v1` or `/apis/GROUP/VERSION`. */
  readonly root: string;
  readonly plural: string;
}

export const RESOURCES = {
  Upgrade: { root: '/apis/postcheck.dev/v1alpha1', plural: 'upgrades' },
  Deployment: { root: '/apis/apps/v1', plural: 'deployments' },
  StatefulSet: { root: '/apis/apps/v1', plural: 'statefulsets' },
  DaemonSet: { root: '/apis/apps/v1', plural: 'daemonsets' },
  ReplicaSet: { root: '/apis/apps/v1', plural: 'replicasets' },
  ControllerRevision: { root: '/apis/apps/v1', plural: 'controllerrevisions' },
  Pod: { root: '/api/v1', plural: 'pods' },
  Node: { root: '/api/v1', plural: 'nodes' },
  Event: { root: '/apis/events.k8s.io/v1', plural: 'events' },
  Lease: { root: '/apis/coordination.k8s.io/v1', plural: 'leases' },
  MutatingAdmissionPolicyBinding: {
    root: '/apis/admissionregistration.k8s.io/v1',
    plural: 'mutatingadmissionpolicybindings',
  },
  /** The same before it was stable: Kubernetes 1.34 and 1.35, if enabled. */
  MutatingAdmissionPolicyBindingBeta: {
    root: '/apis/admissionregistration.k8s.io/v1beta1',
    plural: 'mutatingadmissionpolicybindings',
  },
  MutatingWebhookConfiguration: {
    root: '/apis/admissionregistration.k8s.io/v1',
    plural: 'mutatingwebhookconfigurations',
  },
  Secret: { root: '/api/v1', plural: 'secrets' },
} as const satisfies Record<string, Resource>;

/** Where the gate policy's binding may be, the stable API first. */
export const GATE_BINDINGS: readonly Resource[] = [
  RESOURCES.MutatingAdmissionPolicyBinding,
  RESOURCES.MutatingAdmissionPolicyBindingBeta,
];

/** The object of a request. Without a namespace: all namespaces, or a cluster-scoped kind; without a name: the collection. */
export interface Target {
  readonly resource: Resource;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: 'status' | 'exec' | 'scale' | 'log';
}

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** Whether `name` can be the name of a container (DNS-1123 label). */
export function isLabel(name: string): boolean {
  return LABEL.test(name);
}

/** Returns the URL path of a target; undefined if a name in it is not a valid object name. */
export function pathOf(target: Target): string | undefined {
  const { resource, namespace, name, subresource } = target;
  if (namespace !== undefined && !LABEL.test(namespace)) {
    return undefined;
  }
  if (name !== undefined && (!SUBDOMAIN.test(name) || name.includes('..'))) {
    return undefined;
  }
  const parts = [
    ...(namespace === undefined ? [] : ['namespaces', namespace]),
    resource.plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  return `${resource.root}/${parts.map(encodeURIComponent).join('/')}`;
}

/** Describes a target in messages: `deployments shop/web`. */
export function describe({ resource, namespace, name }: Target): string {
  const object = [namespace, name].filter((part) => part !== undefined).join('/');
  return object === '' ? resource.plural : `${resource.plural} ${JSON.stringify(object).slice(1, -1)}`;
}
