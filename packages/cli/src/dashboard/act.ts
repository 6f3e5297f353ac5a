/** Executes actions of the page like `kubectl postcheck abort` and the other commands: first describes the effect, and acts once it is confirmed. */
import { ANNOTATIONS, VERBS } from '../../../../src/api/verbs.ts';
import { isUnderWay } from '../../../../src/core/status.ts';
import { type Raw, record, text } from '../../../../src/kube/client/json.ts';
import { RESOURCES } from '../../../../src/kube/client/paths.ts';
import type { Cluster } from '../cluster.ts';
import { Fault } from '../fault.ts';
import { predict, tokenFor } from '../predict.ts';
import { gather } from '../scene.ts';
import { type Found, found, upgradeTarget } from '../upgrades.ts';
import { pausing, resuming } from '../verbs/act.ts';
import type { ActReply, ActRequest } from './model.ts';
import type { Reply } from './server.ts';

export interface Acting {
  readonly cluster: Cluster;
  readonly canAct: boolean;
  readonly now: () => number;
}

const reply = (status: number, done: boolean, message: string): Reply => ({
  status,
  body: { done, text: message } satisfies ActReply,
});

/** Responds to an action. Throws only for a bug. */
export async function actFor(acting: Acting, request: unknown): Promise<Reply> {
  if (!acting.canAct) {
    return reply(403, false, 'this dashboard is read-only: start it with --allow-actions');
  }
  const requested = readRequest(record(request));
  if (requested === undefined) {
    return reply(400, false, 'this is not a valid action');
  }
  try {
    return await act(acting, requested);
  } catch (error) {
    if (error instanceof Fault) {
      return reply(409, false, error.message);
    }
    throw error;
  }
}

const ACTIONS: readonly string[] = [...VERBS, 'pause', 'resume'];

function readRequest(raw: Raw): ActRequest | undefined {
  const [verb, namespace, name, uid, stage] = ['verb', 'namespace', 'name', 'uid', 'stage'].map((key) =>
    text(raw[key]),
  ) as [string, string, string, string, string];
  const { attempt } = raw;
  if (!ACTIONS.includes(verb) || name === '' || uid === '' || typeof attempt !== 'number') {
    return undefined;
  }
  return {
    verb: verb as ActRequest['verb'],
    namespace,
    name,
    uid,
    attempt,
    ...(stage === '' ? {} : { stage }),
    confirmed: raw['confirmed'] === true,
  };
}

async function act({ cluster, now }: Acting, requested: ActRequest): Promise<Reply> {
  const { namespace, name, uid, attempt, confirmed } = requested;
  const read = found(await cluster.read({ resource: RESOURCES.Upgrade, namespace, name }));
  const { metadata, status } = read.upgrade;
  if (metadata.uid !== uid || (status?.attempt?.number ?? 0) !== attempt) {
    return reply(409, false, 'another attempt has started: review it before you act');
  }
  const plan = await planFor(cluster, read, requested, now());
  if ('nothing' in plan) {
    return reply(409, false, plan.nothing);
  }
  if (!confirmed) {
    return reply(200, false, plan.will);
  }
  await cluster.patch(upgradeTarget(read.upgrade), plan.patch);
  return reply(200, true, plan.will);
}

type Plan = { readonly will: string; readonly patch: object } | { readonly nothing: string };

async function planFor(cluster: Cluster, read: Found, requested: ActRequest, now: number): Promise<Plan> {
  const { verb, stage, uid } = requested;
  const { upgrade } = read;
  if (verb === 'pause' || verb === 'resume') {
    return pausePlan(read, verb === 'pause');
  }
  const token = tokenFor(verb, upgrade, stage, now);
  const prediction = predict(verb, await gather(cluster, read), token, now);
  if ('nothing' in prediction) {
    return { nothing: `nothing to ${verb}: ${prediction.nothing}` };
  }
  return { will: prediction.will, patch: { metadata: { uid, annotations: { [ANNOTATIONS[verb]]: token } } } };
}

function pausePlan({ upgrade }: Found, paused: boolean): Plan {
  const { spec, status, metadata } = upgrade;
  if ((spec.paused ?? false) === paused) {
    return { nothing: paused ? 'it is already paused' : 'it is not paused' };
  }
  const running = isUnderWay(status);
  return {
    will: paused ? pausing(upgrade, running) : resuming(upgrade, running),
    patch: { metadata: { uid: metadata.uid }, spec: { paused } },
  };
}
