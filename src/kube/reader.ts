import type { Upgrade } from '../api/types.ts';
import type { PodView } from '../api/views.ts';
import type { Reader } from '../engine/ports.ts';
import { list, record } from './client/json.ts';
import { RESOURCES } from './client/paths.ts';
import type { Requests } from './client/request.ts';
import { decodePod } from './objects/decode-pod.ts';
import { decodeUpgrade } from './objects/decode-upgrade.ts';

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
}
