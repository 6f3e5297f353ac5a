/** Everything that happened to the pods of a scenario, seen through one watch: what polling would miss. */
import type { Api, Json } from './api.ts';
import { NAME } from './workloads.ts';

const VERIFIED = 'postcheck.dev/verified';

export const conditionOf = (object: Json, type: string): Json | undefined =>
  object.status?.conditions?.find((condition: Json) => condition.type === type);
export const isReady = (pod: Json): boolean => conditionOf(pod, 'Ready')?.status === 'True';
export const isGated = (pod: Json): boolean =>
  pod.spec.readinessGates?.some((gate: Json) => gate.conditionType === VERIFIED) ?? false;
export const imageOf = (pod: Json): string => pod.spec.containers[0].image;

export class PodHistory {
  /** Pods that there are now, by UID. */
  readonly present = new Map<string, Json>();
  /** Images of pods that were Ready at any time. */
  readonly served = new Set<string>();
  /** Pods that were Ready although their gate was not open: must stay empty. */
  readonly leaked = new Set<string>();
  /** Pods that there ever were, by UID, as last seen. */
  readonly all = new Map<string, Json>();
  readonly #most = new Map<string, { there: number; undecided: number }>();
  readonly #ending = new AbortController();
  #least = Number.POSITIVE_INFINITY;
  #broken: string | undefined;
  #lookAgain: (() => void) | undefined;

  /** The fewest pods that were Ready at once and not on their way out, since `baseline`. */
  get leastServing(): number {
    return this.#least;
  }

  /** The most pods with this image that there were at once, and of these, that were not verified. */
  mostOf = (image: string): { readonly there: number; readonly undecided: number } =>
    this.#most.get(image) ?? { there: 0, undecided: 0 };

  /** Counts from here. */
  baseline(): void {
    this.#least = this.#serving();
  }

  /** Starts to look; ends with `stop`. */
  async start(api: Api, namespace: string): Promise<void> {
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const list = await api.get(path);
    const listed = new Set(list.items.map(({ metadata }: Json) => metadata.uid));
    for (const uid of [...this.present.keys()].filter((uid) => !listed.has(uid))) {
      this.present.delete(uid);
    }
    for (const pod of list.items) {
      this.#see('ADDED', pod);
    }
    api.watch(path, list.metadata.resourceVersion, this.#ending.signal, (type, pod) => this.#see(type, pod));
  }

  /** From now on a watch that breaks is begun again, with what there is then: for tests that take the API server away. */
  outlive(api: Api, namespace: string): void {
    let pending = false;
    // A watch may break in more than one way at once.
    this.#lookAgain = () => {
      if (!pending && !this.#ending.signal.aborted) {
        pending = true;
        setTimeout(() => {
          pending = false;
          this.start(api, namespace).catch(() => this.#lookAgain?.());
        }, 500);
      }
    };
  }

  stop(): void {
    this.#ending.abort();
  }

  /** Pods of the workload that are not on their way out, by name. */
  get live(): Json[] {
    // Thrown here, where a test waits for it: in the watch nobody would catch it.
    if (this.#broken) {
      throw new Error(`the watch on pods broke: ${this.#broken}`);
    }
    return this.#notEnding().sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  #see(type: string, pod: Json): void {
    if (type === 'ERROR') {
      this.#broke(pod);
      return;
    }
    if (pod.metadata.labels?.app !== NAME) {
      return;
    }
    const { uid } = pod.metadata;
    this.all.set(uid, pod);
    if (type === 'DELETED') {
      this.present.delete(uid);
    } else {
      this.present.set(uid, pod);
    }
    if (isReady(pod)) {
      this.served.add(imageOf(pod));
    }
    if (isReady(pod) && isGated(pod) && conditionOf(pod, VERIFIED)?.status !== 'True') {
      this.leaked.add(pod.metadata.name);
    }
    this.#least = Math.min(this.#least, this.#serving());
    this.#count(imageOf(pod));
  }

  #broke(why: Json): void {
    if (this.#lookAgain) {
      this.#lookAgain();
    } else {
      this.#broken = JSON.stringify(why);
    }
  }

  #count(image: string): void {
    const pods = this.#notEnding().filter((pod) => imageOf(pod) === image);
    const undecided = pods.filter((pod) => conditionOf(pod, VERIFIED)?.status !== 'True').length;
    const most = this.mostOf(image);
    this.#most.set(image, {
      there: Math.max(most.there, pods.length),
      undecided: Math.max(most.undecided, undecided),
    });
  }

  #serving = (): number => this.#notEnding().filter(isReady).length;

  #notEnding = (): Json[] =>
    [...this.present.values()].filter(
      ({ metadata, status }) => !metadata.deletionTimestamp && status.phase !== 'Failed',
    );
}
