import type { PodView } from '../api/views.ts';
import type { Reader } from '../engine/ports.ts';
import { resources } from './names.ts';
import { projectPod } from './project-pod.ts';
import type { Requests } from './request.ts';

/** A fresh look at one pod, past the watch. */
export class ClusterReader implements Reader {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  async getPod(namespace: string, name: string): Promise<PodView | 'gone' | 'unknown'> {
    const answer = await this.#requests.send({ method: 'GET', target: { resource: resources.Pod, namespace, name } });
    if (answer.ok) return projectPod(answer.body);
    return answer.failure.kind === 'notFound' ? 'gone' : 'unknown';
  }
}
