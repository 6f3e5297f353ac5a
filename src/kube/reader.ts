import type { Upgrade } from '../api/types.ts';
import type { PodView } from '../api/views.ts';
import type { Reader } from '../engine/ports.ts';
import { resources } from './names.ts';
import { projectPod } from './project-pod.ts';
import { projectUpgrade } from './project-upgrade.ts';
import { list, record } from './raw.ts';
import type { Requests } from './request.ts';

/** Fresh looks, past the watch. */
export class ClusterReader implements Reader {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  async getPod(namespace: string, name: string): Promise<PodView | 'gone' | 'unknown'> {
    const answer = await this.#requests.send({
      method: 'GET',
      target: { resource: resources.Pod, namespace, name },
    });
    if (answer.ok) {
      return projectPod(answer.body);
    }
    return answer.failure.kind === 'notFound' ? 'gone' : 'unknown';
  }

  async listUpgrades(namespace: string): Promise<readonly Upgrade[] | 'unknown'> {
    const answer = await this.#requests.send({
      method: 'GET',
      target: { resource: resources.Upgrade, namespace },
    });
    return answer.ok ? list(record(answer.body).items).map(projectUpgrade) : 'unknown';
  }
}
