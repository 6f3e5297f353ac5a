/** All writes to the API server, each with a precondition. */
import { FIELD_MANAGER, UNSEEN, VERIFIED } from '../api/names.ts';
import type { Upgrade, UpgradeStatus } from '../api/types.ts';
import type { PodView, WorkloadView } from '../api/views.ts';
import type {
  ObjectReference,
  OperatorEvent,
  RequestFailure,
  VerifiedCondition,
  Writer,
  Written,
} from '../engine/ports.ts';
import { at, record, text } from './client/json.ts';
import { RESOURCES, type Target } from './client/paths.ts';
import type { Answer, ApiRequest, Requests } from './client/request.ts';
import { EventRecorder } from './event-recorder.ts';
import { decodePod } from './objects/decode-pod.ts';
import { decodeUpgrade } from './objects/decode-upgrade.ts';
import { decodeWorkload } from './objects/decode-workload.ts';
import { imagePatch, isSameVersion } from './objects/image-patch.ts';
import { ownEntries } from './objects/managed-fields.ts';
import { mergePatch } from './objects/merge-patch.ts';

export interface WriterOptions {
  /** The operator's pod name, as the reporting instance of events. */
  readonly identity: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Checked before every write; if false, the write is not sent. A process that has lost the lease must write nothing. */
  readonly mayWrite: () => boolean;
  /** Carries events. */
  readonly events: Requests;
}

const QUERY = { fieldManager: FIELD_MANAGER };
const RETRIES = 2;
/** How often the images of a workload are written that others write at the same time. */
const TRIES_AFTER_CONFLICTS = 5;
const NOT_LEADER: RequestFailure = {
  kind: 'unavailable',
  message: 'not the leader any more: nothing is written',
};

/** A change of an Upgrade: of its metadata or of its status. */
interface UpgradeChange {
  readonly metadata?: object;
  readonly status?: object;
}

/** The same change as the value of one field. */
interface Part {
  readonly path: '/status' | '/metadata/finalizers';
  readonly value: object;
}

/** Sends every write as raw JSON with a precondition, so that a repeated or late one is rejected. */
export class ClusterWriter implements Writer {
  readonly #requests: Requests;
  readonly #options: WriterOptions;
  readonly #events: EventRecorder;

  constructor(requests: Requests, options: WriterOptions) {
    this.#requests = requests;
    this.#options = options;
    this.#events = new EventRecorder({
      ...options,
      send: (request) => this.#send(request, options.events),
    });
  }

  patchStatus(upgrade: Upgrade, status: UpgradeStatus): Promise<Written<Upgrade>> {
    const change = { status: mergePatch(upgrade.status, status) };
    return this.#patchUpgrade(upgrade, change, { path: '/status', value: status });
  }

  patchFinalizers(upgrade: Upgrade, finalizers: readonly string[]): Promise<Written<Upgrade>> {
    const change = { metadata: { finalizers } };
    return this.#patchUpgrade(upgrade, change, { path: '/metadata/finalizers', value: finalizers });
  }

  /**
   * Whoever may write Upgrades can fill one with entries of field managers, until etcd has no room for anything else. Then all of them are removed,
   * which a write of the status cannot do itself, and the write is repeated: who applies the Upgrade gets its own back the next time.
   */
  async #patchUpgrade(upgrade: Upgrade, change: UpgradeChange, part: Part): Promise<Written<Upgrade>> {
    const answer = await this.#sendUpgrade(upgrade, change, part);
    if (answer.ok || answer.failure.kind !== 'invalid' || !answer.failure.tooLarge) {
      return written(answer, decodeUpgrade);
    }
    const { uid } = upgrade.metadata;
    const emptied = written(
      await this.#mergeUpgrade(upgrade, { metadata: { uid, managedFields: [{}] } }),
      decodeUpgrade,
    );
    return emptied.ok ? written(await this.#sendPart(upgrade, part), decodeUpgrade) : emptied;
  }

  /**
   * The resource version is the precondition of least cost, but whoever may write labels can change it so often that it is always out of date. That must
   * not keep a fallback from being stored, so after a conflict the precondition is what was decided on.
   */
  async #sendUpgrade(upgrade: Upgrade, { metadata, status }: UpgradeChange, part: Part): Promise<Answer> {
    const { uid, resourceVersion } = upgrade.metadata;
    const body = { metadata: { uid, resourceVersion, ...metadata }, ...(status ? { status } : {}) };
    const answer = await this.#mergeUpgrade(upgrade, body);
    return !answer.ok && answer.failure.kind === 'conflict' ? this.#sendPart(upgrade, part) : answer;
  }

  #mergeUpgrade(upgrade: Upgrade, body: UpgradeChange): Promise<Answer> {
    return this.#send({
      method: 'PATCH',
      target: upgradeTarget(upgrade, body.status !== undefined),
      query: QUERY,
      patchType: 'application/merge-patch+json',
      body,
      retries: RETRIES,
    });
  }

  /** Sets one field, if it and spec and status are those that were decided on. */
  #sendPart(upgrade: Upgrade, { path, value }: Part): Promise<Answer> {
    const { metadata, status } = upgrade;
    return this.#send({
      method: 'PATCH',
      target: upgradeTarget(upgrade, path === '/status'),
      query: QUERY,
      patchType: 'application/json-patch+json',
      body: [
        { op: 'test', path: '/metadata/uid', value: metadata.uid },
        { op: 'test', path: '/metadata/generation', value: metadata.generation },
        ...(path === '/status'
          ? []
          : [{ op: 'test', path, value: metadata.finalizers?.length ? metadata.finalizers : null }]),
        { op: 'test', path: '/status', value: status ?? { observedGeneration: UNSEEN } },
        { op: 'add', path, value },
      ],
      retries: RETRIES,
    });
  }

  /**
   * Its precondition is the generation, which is that of the spec: the controller writes the status of a workload whose pods change many times a
   * second, and none of that concerns the images. An annotation of a Deployment has a generation too, and whoever writes these as often makes the
   * cached one always out of date: then the workload is read, and written if nothing else has changed.
   */
  async patchImages(
    workload: WorkloadView,
    images: Readonly<Record<string, string>>,
    partition?: number,
  ): Promise<Written<WorkloadView>> {
    const project = (raw: unknown): WorkloadView => decodeWorkload(workload.kind, raw);
    for (let { generation } = workload, tries = 1; ; tries++) {
      const answer = await this.#send({
        method: 'PATCH',
        target: workloadTarget(workload),
        query: QUERY,
        patchType: 'application/json-patch+json',
        body: imagePatch({ ...workload, generation }, images, partition),
        retries: RETRIES,
      });
      if (answer.ok || answer.failure.kind !== 'conflict' || tries === TRIES_AFTER_CONFLICTS) {
        return written(answer, project);
      }
      const now = written(await this.#read(workloadTarget(workload)), project);
      if (!now.ok || !isSameVersion(now.object, workload)) {
        return answer;
      }
      generation = now.object.generation;
    }
  }

  /** Reads the current positions of the entries first; the patch tests each entry before it removes it, whatever else others write meanwhile. */
  async releaseFields(workload: WorkloadView): Promise<Written<WorkloadView>> {
    const target = workloadTarget(workload);
    const project = (raw: unknown): WorkloadView => decodeWorkload(workload.kind, raw);
    const read = await this.#read(target);
    if (!read.ok) {
      return read;
    }
    const { uid, managedFields } = record(at(read.body, 'metadata'));
    if (uid !== workload.uid) {
      return failed({
        kind: 'notFound',
        message: `${workload.kind} ${workload.name} was replaced by another of the same name`,
      });
    }
    const entries = ownEntries(managedFields);
    if (entries.length === 0) {
      return written(read, project);
    }
    const removals = entries.flatMap((index) => [
      { op: 'test', path: `/metadata/managedFields/${index}/manager`, value: FIELD_MANAGER },
      { op: 'remove', path: `/metadata/managedFields/${index}` },
    ]);
    const answer = await this.#send({
      method: 'PATCH',
      target,
      patchType: 'application/json-patch+json',
      body: [{ op: 'test', path: '/metadata/uid', value: workload.uid }, ...removals],
      retries: RETRIES,
    });
    return written(answer, project);
  }

  async patchVerified(pod: PodView, condition: VerifiedCondition, time: number): Promise<Written<PodView>> {
    const last = pod.conditions[VERIFIED];
    const since = last !== undefined && last.status === condition.status ? last.since : time;
    const entry = {
      type: VERIFIED,
      ...condition,
      lastTransitionTime: new Date(since).toISOString().replace(/\.\d+Z$/, 'Z'),
    };
    const answer = await this.#send({
      method: 'PATCH',
      target: { resource: RESOURCES.Pod, namespace: pod.namespace, name: pod.name, subresource: 'status' },
      query: QUERY,
      patchType: 'application/strategic-merge-patch+json',
      body: { metadata: { uid: pod.uid }, status: { conditions: [entry] } },
      retries: RETRIES,
    });
    return written(answer, decodePod);
  }

  async deletePod(pod: PodView): Promise<Written<undefined>> {
    const answer = await this.#send({
      method: 'DELETE',
      target: { resource: RESOURCES.Pod, namespace: pod.namespace, name: pod.name },
      body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: pod.uid } },
      retries: RETRIES,
    });
    if (!answer.ok && answer.failure.kind === 'conflict') {
      return failed({ ...answer.failure, kind: 'notFound' });
    }
    return answer.ok ? { ok: true, object: undefined } : answer;
  }

  #read = (target: Target): Promise<Answer> =>
    this.#requests.send({ method: 'GET', target, retries: RETRIES });

  recordEvent(regarding: ObjectReference, event: OperatorEvent): Promise<void> {
    return this.#events.record(regarding, event);
  }

  async #send(request: ApiRequest, requests = this.#requests): Promise<Answer> {
    const { mayWrite } = this.#options;
    if (!mayWrite()) {
      return failed(NOT_LEADER);
    }
    const answer = await requests.send({ ...request, maySend: mayWrite });
    // Unless there was another error, the request was aborted because the lease was lost.
    return !answer.ok && answer.status === 0 && !mayWrite() ? failed(NOT_LEADER) : answer;
  }
}

function upgradeTarget({ metadata: { namespace, name } }: Upgrade, isStatus: boolean): Target {
  return { resource: RESOURCES.Upgrade, namespace, name, ...(isStatus ? { subresource: 'status' } : {}) };
}

function workloadTarget({ kind, namespace, name }: WorkloadView): Target {
  return { resource: RESOURCES[kind], namespace, name };
}

/** Returns what was written. A response that is not an object, such as a proxy's own, shows neither that the write was applied nor that it was not. */
function written<T>(answer: Answer, project: (raw: unknown) => T): Written<T> {
  if (!answer.ok) {
    return answer;
  }
  if (text(at(answer.body, 'metadata', 'resourceVersion')) === '') {
    return failed({ kind: 'unavailable', message: 'the API server responded to a write without an object' });
  }
  return { ok: true, object: project(answer.body) };
}

function failed(failure: RequestFailure): {
  readonly ok: false;
  readonly failure: RequestFailure;
  readonly status: 0;
} {
  return { ok: false, failure, status: 0 };
}
