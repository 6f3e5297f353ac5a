/** The workloads that scenarios upgrade: small, quick to start and to stop, and never without a pod that serves. */
import type { Json } from './api.ts';

export const SHAPES = [
  'Deployment',
  'StatefulSet OrderedReady',
  'StatefulSet Parallel',
  'DaemonSet',
] as const;
export type Shape = (typeof SHAPES)[number];
export type Kind = 'Deployment' | 'StatefulSet' | 'DaemonSet';

export const NAME = 'web';
export const CONTAINER = 'app';
/** A StatefulSet and a Deployment have this many; a DaemonSet one per node. */
export const REPLICAS = 2;

/** Images that are pulled: the kubelet's health port says of each that it is not there, as a registry does, and behind the other nobody answers. */
const PULLED: Readonly<Record<string, string>> = {
  'no-such-version': '127.0.0.1:10248/app:v9',
  'registry-down': '127.0.0.1:1/app:v9',
};
/** The others are versions that test/images builds. */
export const image = (tag: string): string => PULLED[tag] ?? `postcheck.local/app:${tag}`;
export const kindOf = (shape: Shape): Kind => shape.split(' ')[0] as Kind;
export const pluralOf = (kind: Kind): string => `${kind.toLowerCase()}s`;

const STRATEGY: Readonly<Record<Kind, Json>> = {
  Deployment: { strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } },
  StatefulSet: { serviceName: NAME },
  DaemonSet: { updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } },
};

/** A container with this is not Ready while `/tmp/unready` exists in it, or when its image is `neverready`. Each look costs a process. */
export const PROBED = {
  container: {
    readinessProbe: { httpGet: { path: '/cgi-bin/ready', port: 8080 }, periodSeconds: 1, timeoutSeconds: 5 },
  },
};

export interface Overrides {
  /** Merged into the pod's spec. */
  readonly pod?: Json;
  /** Merged into the container. */
  readonly container?: Json;
  /** Merged into the workload's spec. */
  readonly spec?: Json;
}

/** A workload of `shape` that runs the image with `tag`. */
export function workload(
  shape: Shape,
  tag: string,
  { pod = {}, container = {}, spec = {} }: Overrides = {},
): Json {
  const kind = kindOf(shape);
  const labels = { app: NAME };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name: NAME },
    spec: {
      selector: { matchLabels: labels },
      ...(kind === 'DaemonSet' ? {} : { replicas: REPLICAS }),
      ...(kind === 'StatefulSet' ? { podManagementPolicy: shape.split(' ')[1] } : {}),
      ...STRATEGY[kind],
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 1,
          enableServiceLinks: false,
          automountServiceAccountToken: false,
          containers: [
            {
              name: CONTAINER,
              image: image(tag),
              ports: [{ containerPort: 8080 }],
              ...container,
            },
          ],
          ...pod,
        },
      },
      ...spec,
    },
  };
}

/**
 * An Upgrade of that workload to the image with `tag`; `spec` is laid over it, `postCheck` and `fallback` one level deeper.
 * What shall pass has time enough on a busy machine, and each try costs a process in a container: both cost a failing scenario nothing.
 */
export function upgrade(
  shape: Shape,
  tag: string,
  { postCheck = {}, fallback = {}, ...spec }: Json = {},
): Json {
  return {
    apiVersion: 'postcheck.dev/v1alpha1',
    kind: 'Upgrade',
    metadata: { name: NAME },
    spec: {
      targetRef: { apiVersion: 'apps/v1', kind: kindOf(shape), name: NAME },
      containers: [{ name: CONTAINER, image: image(tag) }],
      postCheck: { periodSeconds: 2, deadlineSeconds: 90, ...postCheck },
      fallback: { deadlineSeconds: 90, ...fallback },
      ...spec,
    },
  };
}
