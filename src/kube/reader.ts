/** Single reads from the API server: pods, Upgrades, and warning events. */
import { cut } from '../api/cut.ts';
import { printableLine } from '../api/printable.ts';
import type { PodView, WarningView, WorkloadView } from '../api/views.ts';
import type { GatingUpgrade, Reader } from '../engine/ports.ts';
import { at, list, record, text, time } from './client/json.ts';
import { RESOURCES } from './client/paths.ts';
import type { Requests } from './client/request.ts';
import { decodePod } from './objects/decode-pod.ts';
import { decodeUpgrade } from './objects/decode-upgrade.ts';
import { PROJECTIONS } from './objects/decoders.ts';
import { listPages } from './watch/list-pages.ts';

/** There are few warnings about one object, because recorders aggregate them. */
const MOST_EVENTS = 50;
/**
 * A recorder's event has about one KiB. Whoever may create events can make each as long as etcd takes an object, and as many as are read at once
 * would then fill the operator's memory: such events are no evidence.
 */
const MOST_EVENT_BYTES = 1024 * 1024;
const MESSAGE_MAX = 500;
/** The rest of a longer note is ignored. */
const NOTE_MAX = 4 * MESSAGE_MAX;

/**
 * Event reasons with which the scheduler, the kubelet, and the controllers of volumes and devices say why a pod does not start. Other warnings,
 * such as those about DNS settings or a missing pull secret, delay nothing.
 */
const NOT_STARTED: ReadonlySet<string> = new Set([
  'FailedScheduling',
  'FailedAttachVolume',
  'FailedMount',
  'FailedMapVolume',
  'VolumePermissionChangeInProgress',
  'FailedPrepareDynamicResources',
  'NetworkNotReady',
  'FailedCreatePodSandBox',
  'FailedCreatePodContainer',
]);

/** A sandbox or container has a new ID at each try; with it in the message, each event would be a new message. */
const IDS = /\b[0-9a-f]{64}\b/g;

function warningOf(event: unknown): WarningView {
  const { reason, note, eventTime, deprecatedLastTimestamp, metadata, series } = record(event);
  const times = [at(metadata, 'creationTimestamp'), eventTime, deprecatedLastTimestamp];
  return {
    reason: text(reason),
    message: cut(printableLine(cut(text(note), NOTE_MAX)).replace(IDS, '…'), MESSAGE_MAX),
    at: Math.max(...[...times, at(series, 'lastObservedTime')].map(time)),
  };
}

function gatingUpgrade(raw: unknown): GatingUpgrade {
  const { metadata, status = {} } = decodeUpgrade(raw);
  const { annotations: _annotations, ...identity } = metadata;
  const { targetUID, attempt } = status;
  return {
    metadata: identity,
    status: {
      ...(targetUID === undefined ? {} : { targetUID }),
      ...(attempt ? { attempt: { gating: attempt.gating } } : {}),
    },
  };
}

/** Reads from the API server itself instead of the cache. */
export class ClusterReader implements Reader {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  async getPod(namespace: string, name: string): Promise<PodView | 'gone' | 'unknown'> {
    const answer = await this.#requests.send({
      method: 'GET',
      target: { resource: RESOURCES.Pod, namespace, name },
    });
    if (answer.ok) {
      return decodePod(answer.body);
    }
    return answer.failure.kind === 'notFound' ? 'gone' : 'unknown';
  }

  async listUpgrades(namespace: string): Promise<readonly GatingUpgrade[] | 'unknown'> {
    const target = { resource: RESOURCES.Upgrade, namespace };
    const projection = { ...PROJECTIONS.Upgrade, project: gatingUpgrade, keeps: () => true };
    const listing = { target, projection };
    const listed = await listPages(this.#requests, listing);
    return listed.ok ? listed.items : 'unknown';
  }

  async failedCreate({ namespace, uid }: WorkloadView): Promise<WarningView | undefined> {
    const [newest] = await this.#warnings(namespace, `regarding.uid=${uid},reason=FailedCreate`);
    return newest;
  }

  async failedStart({ namespace, uid }: PodView): Promise<WarningView | undefined> {
    const warnings = await this.#warnings(namespace, `regarding.uid=${uid}`);
    return warnings.find(({ reason }) => NOT_STARTED.has(reason));
  }

  /** Events of the type Warning, the newest first. */
  async #warnings(namespace: string, selector: string): Promise<WarningView[]> {
    const answer = await this.#requests.send({
      method: 'GET',
      target: { resource: RESOURCES.Event, namespace },
      query: { fieldSelector: `${selector},type=Warning`, limit: String(MOST_EVENTS) },
      mostBytes: MOST_EVENT_BYTES,
    });
    return answer.ok
      ? list(record(answer.body).items)
          .map(warningOf)
          .sort((a, b) => b.at - a.at)
      : [];
  }
}
