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

/** Events of one object and reason are few: its recorder joins them. */
const MOST_EVENTS = 20;
const MESSAGE_MAX = 500;

function warningOf(event: unknown): WarningView {
  const { note, eventTime, deprecatedLastTimestamp, metadata, series } = record(event);
  const times = [at(metadata, 'creationTimestamp'), eventTime, deprecatedLastTimestamp];
  return {
    message: cut(printableLine(text(note)), MESSAGE_MAX),
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
    const answer = await this.#requests.send({
      method: 'GET',
      target: { resource: RESOURCES.Event, namespace },
      query: {
        fieldSelector: `regarding.uid=${uid},type=Warning,reason=FailedCreate`,
        limit: String(MOST_EVENTS),
      },
    });
    return answer.ok
      ? list(record(answer.body).items)
          .map(warningOf)
          .sort((a, b) => b.at - a.at)[0]
      : undefined;
  }
}
