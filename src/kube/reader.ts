/** Single reads from the API server: a pod, and the warnings about a pod. */
import { cut } from '../api/cut.ts';
import { printableLine } from '../api/printable.ts';
import type { Upgrade } from '../api/types.ts';
import type { PodView, WarningView, WorkloadView } from '../api/views.ts';
import type { Reader } from '../engine/ports.ts';
import { at, list, record, text, time } from './client/json.ts';
import { RESOURCES } from './client/paths.ts';
import type { Requests } from './client/request.ts';
import { decodePod } from './objects/decode-pod.ts';
import { decodeUpgrade } from './objects/decode-upgrade.ts';

/** Warnings about one object are few: their recorders join them. */
const MOST_EVENTS = 50;
const MESSAGE_MAX = 500;
/** The rest of a longer note is ignored. */
const NOTE_MAX = 4 * MESSAGE_MAX;

/**
 * Why a pod is not started, in the words of the scheduler, of the kubelet, and of the controllers of volumes and devices. Other warnings,
 * such as of DNS settings or of a pull secret that is missing, hold nothing up.
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

/** A sandbox or container has another ID at each try, and a message with it would be a new one each time. */
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

/** Fresh looks, past the watch. */
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

  async listUpgrades(namespace: string): Promise<readonly Upgrade[] | 'unknown'> {
    const answer = await this.#requests.send({
      method: 'GET',
      target: { resource: RESOURCES.Upgrade, namespace },
    });
    return answer.ok ? list(record(answer.body).items).map(decodeUpgrade) : 'unknown';
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
    });
    return answer.ok
      ? list(record(answer.body).items)
          .map(warningOf)
          .sort((a, b) => b.at - a.at)
      : [];
  }
}
