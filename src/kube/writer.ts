/** All writes to the API server, each with a precondition. */
import { FIELD_MANAGER, VERIFIED } from '../api/names.ts';
import { own } from '../api/own.ts';
import type { Upgrade, UpgradeMeta, UpgradeStatus } from '../api/types.ts';
import type { PodView, TemplateContainer, WorkloadView } from '../api/views.ts';
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
const NOT_LEADER: RequestFailure = {
  kind: 'unavailable',
  message: 'not the leader any more: nothing is written',
};

/** A change of an Upgrade: of its metadata or of its status. */
interface UpgradeChange {
  readonly metadata?: object;
  readonly status?: object;
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
    return this.#patchUpgrade(upgrade, { status: mergePatch(upgrade.status, status) });
  }

  patchFinalizers(upgrade: Upgrade, finalizers: readonly string[]): Promise<Written<Upgrade>> {
    return this.#patchUpgrade(upgrade, { metadata: { finalizers } });
  }

  /**
   * Whoever may write Upgrades can fill one with entries of field managers, until etcd has no room for anything else. Then all of them are removed,
   * which a write of the status cannot do itself, and the write is repeated: who applies the Upgrade gets its own back the next time.
   */
  async #patchUpgrade(upgrade: Upgrade, change: UpgradeChange): Promise<Written<Upgrade>> {
    const first = await this.#sendUpgrade(upgrade.metadata, change);
    if (first.ok || first.failure.kind !== 'invalid' || !first.failure.tooLarge) {
      return written(first, decodeUpgrade);
    }
    const emptied = await this.#sendUpgrade(upgrade.metadata, { metadata: { managedFields: [{}] } });
    const now = written(emptied, decodeUpgrade);
    return now.ok ? written(await this.#sendUpgrade(now.object.metadata, change), decodeUpgrade) : now;
  }

  #sendUpgrade(
    { namespace, name, uid, resourceVersion }: UpgradeMeta,
    { metadata, status }: UpgradeChange,
  ): Promise<Answer> {
    const target = { resource: RESOURCES.Upgrade, namespace, name };
    return this.#send({
      method: 'PATCH',
      target: status ? { ...target, subresource: 'status' } : target,
      query: QUERY,
      patchType: 'application/merge-patch+json',
      body: { metadata: { uid, resourceVersion, ...metadata }, ...(status ? { status } : {}) },
      retries: RETRIES,
    });
  }

  /**
   * Its precondition is the generation, which is that of the spec: the controller writes the status of a workload whose pods change many times a
   * second, and none of that concerns the images.
   */
  async patchImages(
    workload: WorkloadView,
    images: Readonly<Record<string, string>>,
    partition?: number,
  ): Promise<Written<WorkloadView>> {
    const answer = await this.#send({
      method: 'PATCH',
      target: workloadTarget(workload),
      query: QUERY,
      patchType: 'application/json-patch+json',
      body: [
        { op: 'test', path: '/metadata/uid', value: workload.uid },
        { op: 'test', path: '/metadata/generation', value: workload.generation },
        ...imageOperations(workload.containers, images),
        ...(partition === undefined
          ? []
          : [{ op: 'add', path: '/spec/updateStrategy/rollingUpdate/partition', value: partition }]),
      ],
      retries: RETRIES,
    });
    return written(answer, (raw) => decodeWorkload(workload.kind, raw));
  }

  /** Reads the current positions of the entries first; the patch tests each entry before it removes it, and the resource version. */
  async releaseFields(workload: WorkloadView): Promise<Written<WorkloadView>> {
    const target = workloadTarget(workload);
    const project = (raw: unknown): WorkloadView => decodeWorkload(workload.kind, raw);
    const read = await this.#requests.send({ method: 'GET', target, retries: RETRIES });
    if (!read.ok) {
      return read;
    }
    const { uid, resourceVersion, managedFields } = record(at(read.body, 'metadata'));
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
      body: [{ op: 'test', path: '/metadata/resourceVersion', value: resourceVersion }, ...removals],
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

/** A JSON patch names containers by their position, which is that of the generation that it tests. */
function imageOperations(
  containers: readonly TemplateContainer[],
  images: Readonly<Record<string, string>>,
): object[] {
  const regular = containers.filter(({ role }) => role === 'regular');
  const init = containers.filter(({ role }) => role !== 'regular');
  const imagesAt = (path: string, listed: readonly TemplateContainer[]): object[] =>
    listed.flatMap(({ name }, index) => {
      const value = own(images, name);
      return value === undefined ? [] : [{ op: 'replace', path: `${path}/${index}/image`, value }];
    });
  return [
    ...imagesAt('/spec/template/spec/containers', regular),
    ...imagesAt('/spec/template/spec/initContainers', init),
  ];
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
