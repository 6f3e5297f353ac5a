/** Finds the Upgrade that a word on the command line refers to, and watches it. */
import { kubectl } from '../../../src/api/kubectl.ts';
import { own } from '../../../src/api/own.ts';
import type { Upgrade } from '../../../src/api/types.ts';
import { claimOrder } from '../../../src/core/claim.ts';
import { at, type Raw, record, text } from '../../../src/kube/client/json.ts';
import { RESOURCES, type Target } from '../../../src/kube/client/paths.ts';
import { decodeUpgrade } from '../../../src/kube/objects/decode-upgrade.ts';
import { Reflector } from '../../../src/kube/watch/reflector.ts';
import type { Cluster } from './cluster.ts';
import { forbidden } from './cluster-fault.ts';
import { Fault } from './fault.ts';
import type { Io } from './io.ts';
import { nearest } from './text.ts';
import { otherKindText, UPGRADE_WORDS, WORKLOAD_WORDS } from './words.ts';

/** Groups and versions that may follow a kind, as in `deployments.v1.apps`. */
const GROUPS = ['apps', 'v1.apps', 'batch', 'v1.batch', 'postcheck.dev', 'v1alpha1.postcheck.dev'];

/** What a word on the command line refers to: an Upgrade, or its workload. */
export type Named =
  | { readonly kind: 'Upgrade'; readonly name: string }
  | { readonly kind: 'Deployment' | 'StatefulSet' | 'DaemonSet'; readonly name: string };

/** Removes the group, as `-o name` and `kubectl api-resources` print it. */
function withoutGroup(kind: string): string {
  const dot = kind.indexOf('.');
  return GROUPS.includes(kind.slice(dot + 1)) ? kind.slice(0, dot) : kind;
}

/** Parses `web`, `upgrade/web` or `deployment/web`. */
export function readName(word: string): Named {
  const slash = word.indexOf('/');
  if (slash < 0) {
    return { kind: 'Upgrade', name: word };
  }
  const [kind, name] = [withoutGroup(word.slice(0, slash).toLowerCase()), word.slice(slash + 1)];
  if (UPGRADE_WORDS.includes(kind)) {
    return { kind: 'Upgrade', name };
  }
  const workload = own(WORKLOAD_WORDS, kind);
  if (workload) {
    return { kind: workload, name };
  }
  const other = otherKindText(kind);
  if (other !== undefined) {
    throw new Fault(other);
  }
  const meant =
    kind === '' || /\W/.test(kind) ? undefined : nearest(kind, ['upgrade', ...Object.keys(WORKLOAD_WORDS)]);
  throw new Fault(
    `a ${kind} cannot have an Upgrade: specify an Upgrade, a Deployment, a StatefulSet or a DaemonSet${meant ? `; did you mean ${meant}/${name}?` : ''}`,
  );
}

/** An Upgrade as it was read, and decoded. */
export interface Found {
  readonly raw: Raw;
  readonly upgrade: Upgrade;
}

export const found = (raw: Raw): Found => ({ raw, upgrade: decodeUpgrade(raw) });

export const upgradeTarget = ({ metadata: { namespace, name } }: Upgrade): Target => ({
  resource: RESOURCES.Upgrade,
  namespace,
  name,
});

/** Finds the Upgrade in this namespace; throws a Fault that says where it is if it is in another one. */
export async function findUpgrade(cluster: Cluster, word: string): Promise<Found> {
  const named = readName(word);
  return named.kind === 'Upgrade' ? await byName(cluster, named.name) : await byTarget(cluster, named);
}

async function byName(cluster: Cluster, name: string): Promise<Found> {
  const target = { resource: RESOURCES.Upgrade, namespace: cluster.namespace, name };
  const answer = await cluster.try({ method: 'GET', target, retries: 1 });
  if (answer.ok) {
    return found(record(answer.body));
  }
  const fault = cluster.fault(answer.failure, answer.status, target);
  throw answer.failure.kind === 'notFound' && /not found/.test(fault.message)
    ? await notFoundHere(cluster, name)
    : fault;
}

/** How many namespaces a hint lists. */
const MAX_PLACES = 3;

/** Returns a Fault that says where an Upgrade of that name is, or which ones exist, as far as the caller may read that. */
async function notFoundHere(cluster: Cluster, name: string): Promise<Fault> {
  const here = `there is no Upgrade ${name} in namespace ${cluster.namespace}`;
  const all = await cluster.list(RESOURCES.Upgrade).catch(() => undefined);
  const identities = (all ?? []).map((raw) => record(raw.metadata));
  const acting = actingOf(
    (all ?? []).filter(
      (raw) =>
        at(raw, 'metadata', 'namespace') === cluster.namespace &&
        at(raw, 'spec', 'targetRef', 'name') === name,
    ),
  )?.upgrade;
  if (acting) {
    return new Fault(
      `${here}; that of ${acting.spec.targetRef.kind} ${name} is called ${acting.metadata.name}`,
    );
  }
  const elsewhere = identities.filter((one) => one.name === name).map((one) => text(one.namespace));
  if (elsewhere.length > 0) {
    const places = elsewhere.slice(0, MAX_PLACES).map((place) => `-n ${place}`);
    const more = elsewhere.length - places.length;
    return new Fault(
      `${here}; there is one in ${places.join(' and ')}${more > 0 ? ` and in ${more} more` : ''}`,
    );
  }
  const names = identities.filter((one) => one.namespace === cluster.namespace).map((one) => text(one.name));
  const meant = nearest(name, names);
  if (meant) {
    return new Fault(`${here}; did you mean ${meant}?`);
  }
  return new Fault(
    names.length > 0
      ? `${here}; there are: ${names.slice(0, 10).join(', ')}`
      : `there is no Upgrade ${name} ${await inNamespace(cluster)}`,
  );
}

/** `in namespace NAME`, of one in which nothing was found: also that it does not exist, if the caller may read that. */
export async function inNamespace(cluster: Cluster): Promise<string> {
  const target = { resource: { root: '/api/v1', plural: 'namespaces' }, name: cluster.namespace };
  const answer = await cluster.try({ method: 'GET', target, retries: 1 });
  const isMissing = !answer.ok && answer.failure.kind === 'notFound';
  return `in namespace ${cluster.namespace}${isMissing ? ', which does not exist' : ''}`;
}

/** Sorts after every claim. */
const NO_CLAIM = '~~';

const claimOf = ({ upgrade }: Found): string => claimOrder(upgrade) ?? NO_CLAIM;

/** Returns the one that acts of several Upgrades with the same target: the others only report that it does. */
export const actingOf = (all: readonly Raw[]): Found | undefined =>
  all.map(found).sort((a, b) => (claimOf(a) < claimOf(b) ? -1 : 1))[0];

async function byTarget(cluster: Cluster, { kind, name }: Named): Promise<Found> {
  const all = await cluster.list(RESOURCES.Upgrade, cluster.namespace);
  const one = actingOf(
    all.filter((raw) => {
      const ref = record(at(raw, 'spec', 'targetRef'));
      return ref.kind === kind && ref.name === name;
    }),
  );
  if (!one) {
    throw new Fault(
      `${kind} ${name} is the target of no Upgrade ${await inNamespace(cluster)}; \`${kubectl(cluster.namespace, 'postcheck', 'init', `${kind.toLowerCase()}/${name}`)}\` prints one`,
    );
  }
  return one;
}

export interface Following {
  readonly deadlineMs?: number | undefined;
  /** Called with each state; any value but `undefined` ends the watch. */
  readonly look: (upgrade: Upgrade | undefined) => number | undefined;
  /** The connection was lost, or is back again (`undefined`). */
  readonly trouble?: (why: string | undefined) => void;
}

/** Watches one Upgrade until `look` returns a value. Returns that, or `undefined` if the time is over or the caller stopped. */
export async function followUpgrade(
  cluster: Cluster,
  io: Io,
  { metadata: { namespace, name } }: Upgrade,
  following: Following,
): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const see = (upgrade: Upgrade | undefined): void => {
    const answer = following.look(upgrade);
    if (answer !== undefined) {
      resolve(answer);
    }
  };
  const reflector = new Reflector<Upgrade>(cluster.streams, cluster.requests, {
    target: { resource: RESOURCES.Upgrade, namespace },
    fieldSelector: `metadata.name=${name}`,
    projection: { project: decodeUpgrade, keeps: () => true },
    sink: (event) => {
      if (event.type === 'synced') {
        see(event.items[0]);
      } else {
        see(event.type === 'delete' ? undefined : event.object);
      }
    },
  });
  reflector.start();
  const stop = (): void => resolve(undefined);
  io.signal.addEventListener('abort', stop, { once: true });
  const limit = following.deadlineMs ? setTimeout(stop, following.deadlineMs) : undefined;
  let reported: string | undefined;
  const health = setInterval(() => {
    const { state, message } = reflector.status();
    if (state === 'forbidden') {
      reject(new Fault(`${forbidden(message)}, or use --watch=false`));
    }
    const trouble = state === 'retrying' ? message : undefined;
    if (trouble !== reported) {
      reported = trouble;
      following.trouble?.(trouble);
    }
  }, 500);
  try {
    return await promise;
  } finally {
    clearInterval(health);
    clearTimeout(limit);
    io.signal.removeEventListener('abort', stop);
    await reflector.stop();
  }
}
