import { setTimeout as sleep } from 'node:timers/promises';
import { holdsFinalizer, isClosed } from '../api/gate.ts';
import { FALLBACK_FINALIZER } from '../api/names.ts';
import type { Writer } from '../engine/ports.ts';
import { GATE_BINDINGS, RESOURCES, type Target } from './client/paths.ts';
import type { Requests } from './client/request.ts';
import { PROJECTIONS } from './objects/decoders.ts';
import { listPages } from './watch/list-pages.ts';

export interface UninstallRequest {
  /** The operator's own Deployment: it is scaled to zero, so that it does not gate or judge meanwhile. */
  readonly deployment: string;
  readonly namespace: string;
  readonly say: (line: string) => void;
}

export interface UninstallTools {
  readonly requests: Requests;
  readonly writer: Writer;
  readonly namespaces: readonly string[];
  readonly gatePolicyName: string;
}

/** API servers look for changed policies once a second (kube-apiserver's policyRefreshInterval), and go on gating new pods until then. */
const POLICY_FORGOTTEN_MS = 3000;
/** The operator drains within 10 s; a node that is slow to stop it gets four times that. */
const STOP_WITHIN_MS = 40_000;

/**
 * Leaves nothing behind that only the operator could open: removes the gate policy's binding, stops the operator, takes its
 * finalizer off every Upgrade, opens every closed gate.
 * Gives a sentence when it could not; running it again is safe.
 */
export async function uninstall(
  tools: UninstallTools,
  request: UninstallRequest,
): Promise<string | undefined> {
  const unbound = await removeBinding(tools, request);
  if (unbound) {
    return unbound;
  }
  const [problem] = await Promise.all([stopOperator(tools, request), sleep(POLICY_FORGOTTEN_MS)]);
  return problem ?? (await letUpgradesGo(tools, request)) ?? openGates(tools, request);
}

async function removeBinding(
  { requests, gatePolicyName }: UninstallTools,
  { say }: UninstallRequest,
): Promise<string | undefined> {
  let removed = false;
  for (const resource of GATE_BINDINGS) {
    const target = { resource, name: gatePolicyName };
    const answer = await requests.send({ method: 'DELETE', target, retries: 3 });
    if (!answer.ok && answer.failure.kind !== 'notFound') {
      return `cannot remove the gate policy's binding: ${answer.failure.message}`;
    }
    removed ||= answer.ok;
  }
  say(
    removed
      ? `removed MutatingAdmissionPolicyBinding ${gatePolicyName}: new pods get no gate`
      : 'no gate policy binding is installed',
  );
  return undefined;
}

async function stopOperator(
  { requests }: UninstallTools,
  { deployment, namespace, say }: UninstallRequest,
): Promise<string | undefined> {
  const target: Target = {
    resource: RESOURCES.Deployment,
    namespace,
    name: deployment,
    subresource: 'scale',
  };
  const scaled = await requests.send({
    method: 'PATCH',
    target,
    patchType: 'application/merge-patch+json',
    body: { spec: { replicas: 0 } },
    retries: 3,
  });
  if (!scaled.ok && scaled.failure.kind === 'notFound') {
    return undefined;
  }
  if (!scaled.ok) {
    return `cannot scale the operator down: ${scaled.failure.message}`;
  }
  const until = Date.now() + STOP_WITHIN_MS;
  while (Date.now() < until) {
    const pods = await listPages(
      requests,
      { target: { resource: RESOURCES.Pod, namespace }, projection: PROJECTIONS.Pod },
      new AbortController().signal,
    );
    if (
      pods.ok &&
      !pods.items.some(
        ({ owner }) =>
          owner.kind === 'ReplicaSet' &&
          owner.name.startsWith(`${deployment}-`) &&
          !owner.name.slice(deployment.length + 1).includes('-'),
      )
    ) {
      say(`stopped the operator (Deployment ${deployment})`);
      return undefined;
    }
    await sleep(500);
  }
  return `the operator's pods did not end within ${STOP_WITHIN_MS / 1000} s`;
}

/** Without the operator nobody would take the finalizer off: a deletion, and that of the namespace, would hang for ever. */
async function letUpgradesGo(tools: UninstallTools, { say }: UninstallRequest): Promise<string | undefined> {
  let released = 0;
  for (const target of scopesOf(tools, RESOURCES.Upgrade)) {
    const listed = await listPages(
      tools.requests,
      { target, projection: PROJECTIONS.Upgrade },
      new AbortController().signal,
    );
    if (!listed.ok) {
      return `cannot list Upgrades: ${listed.failure.message}`;
    }
    for (const upgrade of listed.items.filter(holdsFinalizer)) {
      const { namespace, name, finalizers = [] } = upgrade.metadata;
      const written = await tools.writer.patchFinalizers(
        upgrade,
        finalizers.filter((finalizer) => finalizer !== FALLBACK_FINALIZER),
      );
      if (!written.ok && written.failure.kind !== 'notFound') {
        return `cannot take the finalizer off Upgrade ${namespace}/${name}: ${written.failure.message}`;
      }
      released++;
    }
  }
  say(`took the finalizer off ${released} Upgrades`);
  return undefined;
}

const scopesOf = ({ namespaces }: UninstallTools, resource: Target['resource']): Target[] =>
  namespaces.length > 0 ? namespaces.map((namespace) => ({ resource, namespace })) : [{ resource }];

async function openGates(tools: UninstallTools, { say }: UninstallRequest): Promise<string | undefined> {
  const { requests, writer } = tools;
  let opened = 0;
  for (const target of scopesOf(tools, RESOURCES.Pod)) {
    const listed = await listPages(
      requests,
      { target, projection: PROJECTIONS.Pod },
      new AbortController().signal,
    );
    if (!listed.ok) {
      return `cannot list pods: ${listed.failure.message}`;
    }
    for (const pod of listed.items.filter(isClosed)) {
      const written = await writer.patchVerified(
        pod,
        { status: 'True', reason: 'Uninstalled', message: 'postcheck was uninstalled' },
        Date.now(),
      );
      if (!written.ok && written.failure.kind !== 'notFound') {
        return `cannot open the gate of pod ${pod.namespace}/${pod.name}: ${written.failure.message}`;
      }
      opened++;
    }
  }
  say(`opened ${opened} closed gates`);
  return undefined;
}
