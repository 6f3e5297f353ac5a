/**
 * Nodes for an API server that has none: binds pods, writes what kubelets would say of them, and answers execs. What a container does is
 * told by its image, in the words of the simulation, so that both play the same stories; only faster here.
 */
import type { Answer, Behaviour } from '../sim/behaviour.ts';
import type { AdminClient, Json } from './admin-client.ts';

export const NODES = ['node-1', 'node-2', 'node-3'] as const;
const STARTS_MS = 100;
const READY_MS = 30;
const CRASH_BACKOFF_MS = 200;
const RETRY_MS = 200;
/** The controllers call a node lost after 40 s without a sign of life. */
const HEARTBEAT_MS = 10_000;

interface Container {
  readonly id: string;
  readonly startedAt: number;
  restarts: number;
  tries: number;
  ready: boolean;
  state: Json;
}

interface Own {
  readonly containers: Map<string, Container>;
  bound: boolean;
  started: boolean;
  ending: boolean;
  /** What was written last: the same is not written again. */
  said: string;
  saying: Promise<void>;
}

const iso = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z');
const podPath = ({ metadata }: Json): string =>
  `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;

export class FakeKubelet {
  readonly #rest: AdminClient;
  readonly #stop = new AbortController();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #pods = new Map<string, Json>();
  readonly #own = new Map<string, Own>();
  readonly #asked = new Map<string, string[]>();
  readonly #behaviours = new Map<string, Readonly<Record<string, Behaviour>>>();
  #turn = 0;
  #ids = 0;

  constructor(rest: AdminClient) {
    this.#rest = rest;
  }

  async start(): Promise<void> {
    await Promise.all(NODES.map((name) => this.#join(name)));
    const beat = setInterval(() => void Promise.all(NODES.map((name) => this.#beat(name))), HEARTBEAT_MS);
    this.#stop.signal.addEventListener('abort', () => clearInterval(beat));
    void this.#rest.follow('/api/v1/pods', this.#stop.signal, (type, pod) => this.#see(type, pod));
  }

  stop(): void {
    this.#stop.abort();
    for (const timer of this.#timers) {
      clearTimeout(timer);
    }
  }

  /** What containers of a namespace do, by image; those that are not named work. */
  behave(namespace: string, images: Readonly<Record<string, Behaviour>>): void {
    this.#behaviours.set(namespace, images);
  }

  /** What a command in a container would answer. */
  ask(namespace: string, name: string, container: string, path: string): Answer | 'gone' {
    const pod = [...this.#pods.values()].find(
      ({ metadata }) => metadata.namespace === namespace && metadata.name === name,
    );
    const own = pod && this.#own.get(pod.metadata.uid)?.containers.get(container);
    if (!own?.state.running) {
      return 'gone';
    }
    const { image } = pod.spec.containers.find((one: Json) => one.name === container);
    const now = Date.now();
    const answer = this.#behaviour(namespace, image).answer?.({
      nth: ++own.tries,
      ageMs: now - own.startedAt,
      index: this.#index(`${namespace} ${image}`, pod.metadata.uid),
      now,
      node: pod.spec.nodeName ?? '',
      path,
    });
    if (answer === 'dies') {
      void this.#crash(pod, container, 137);
    }
    return answer ?? 0;
  }

  #behaviour(namespace: string, image: string): Behaviour {
    return this.#behaviours.get(namespace)?.[image] ?? {};
  }

  #index(key: string, uid: string): number {
    const known = this.#asked.get(key) ?? [];
    if (!known.includes(uid)) {
      known.push(uid);
    }
    this.#asked.set(key, known);
    return known.indexOf(uid) + 1;
  }

  async #join(name: string): Promise<void> {
    await this.#rest.apply(`/api/v1/nodes/${name}`, { apiVersion: 'v1', kind: 'Node', metadata: { name } });
    await this.#beat(name);
    const condition = {
      type: 'Ready',
      status: 'True',
      reason: 'KubeletReady',
      lastTransitionTime: iso(),
      lastHeartbeatTime: iso(),
    };
    await this.#rest.patch(
      `/api/v1/nodes/${name}/status`,
      { status: { conditions: [condition] } },
      'strategic',
    );
  }

  async #beat(name: string): Promise<void> {
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name },
      spec: {
        holderIdentity: name,
        leaseDurationSeconds: 40,
        renewTime: new Date().toISOString().replace('Z', '000Z'),
      },
    };
    await this.#rest
      .apply(`/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${name}`, lease)
      .catch(() => {});
  }

  #see(type: string, pod: Json): void {
    if (type === 'BEGIN') {
      this.#pods.clear();
      return;
    }
    const { uid } = pod.metadata;
    if (type === 'DELETED') {
      this.#pods.delete(uid);
      this.#own.delete(uid);
      return;
    }
    this.#pods.set(uid, pod);
    const own = this.#own.get(uid) ?? {
      containers: new Map(),
      bound: false,
      started: false,
      ending: false,
      said: '',
      saying: Promise.resolve(),
    };
    if (type === 'LISTED') {
      // What was written may be gone: the server may have been restored from a backup.
      Object.assign(own, { said: '', bound: false, ending: false });
    }
    this.#own.set(uid, own);
    void this.#act(pod, own);
  }

  async #act(pod: Json, own: Own): Promise<void> {
    if (pod.metadata.deletionTimestamp) {
      await this.#once(pod, own, 'ending', () =>
        this.#rest.remove(podPath(pod), { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } }),
      );
    } else if (!pod.spec.nodeName) {
      await this.#once(pod, own, 'bound', () => this.#bind(pod));
    } else if (!own.started) {
      own.started = true;
      this.#later(STARTS_MS, () => this.#start(pod, own));
    } else if (own.containers.size > 0) {
      await this.#say(pod);
    }
  }

  /** Does it once, or again in a while when it was refused and the pod is still there. */
  async #once(pod: Json, own: Own, what: 'ending' | 'bound', act: () => Promise<unknown>): Promise<void> {
    if (own[what]) {
      return;
    }
    own[what] = true;
    try {
      await act();
    } catch {
      own[what] = false;
      this.#later(RETRY_MS, () => this.#again(pod.metadata.uid));
    }
  }

  #again(uid: string): void {
    const [pod, own] = [this.#pods.get(uid), this.#own.get(uid)];
    if (pod && own) {
      void this.#act(pod, own);
    }
  }

  #later(delayMs: number, run: () => unknown): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void Promise.resolve(run()).catch(() => {});
    }, delayMs);
    this.#timers.add(timer);
  }

  async #bind(pod: Json): Promise<void> {
    const terms =
      pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
    const name = terms?.[0]?.matchFields?.[0]?.values?.[0] ?? NODES[this.#turn++ % NODES.length];
    await this.#rest.create(`${podPath(pod)}/binding`, {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: pod.metadata.name, namespace: pod.metadata.namespace },
      target: { apiVersion: 'v1', kind: 'Node', name },
    });
  }

  async #start(pod: Json, own: Own): Promise<void> {
    for (const { name, image } of pod.spec.containers) {
      const { start = 'runs', crashCode = 1 } = this.#behaviour(pod.metadata.namespace, image);
      own.containers.set(name, this.#container(0));
      if (start === 'runs' || start === 'crashes') {
        this.#run(pod, name, image);
      } else {
        this.#wait(
          own,
          name,
          start === 'pullFails' ? 'ImagePullBackOff' : 'CreateContainerConfigError',
          image,
        );
      }
      if (start === 'crashes') {
        this.#later(CRASH_BACKOFF_MS, () => this.#crash(pod, name, crashCode));
      }
    }
    await this.#say(pod);
  }

  #container(restarts: number): Container {
    const id = `containerd://${String(++this.#ids).padStart(12, '0')}f00d`;
    return {
      id,
      startedAt: Date.now(),
      restarts,
      tries: 0,
      ready: false,
      state: { running: { startedAt: iso() } },
    };
  }

  #wait(own: Own, name: string, reason: string, image: string): void {
    const container = own.containers.get(name);
    if (container) {
      container.state = { waiting: { reason, message: `cannot pull ${image}: not found` } };
    }
  }

  #run(pod: Json, name: string, image: string): void {
    const { readyAfterMs = READY_MS } = this.#behaviour(pod.metadata.namespace, image);
    if (readyAfterMs === false) {
      return;
    }
    const container = this.#own.get(pod.metadata.uid)?.containers.get(name);
    this.#later(readyAfterMs, async () => {
      if (container?.state.running) {
        container.ready = true;
        await this.#say(pod);
      }
    });
  }

  /** The container ends, and comes back with another ID after a while. */
  async #crash(pod: Json, name: string, exitCode: number): Promise<void> {
    const own = this.#own.get(pod.metadata.uid);
    const container = own?.containers.get(name);
    if (!own || !container) {
      return;
    }
    container.state = {
      terminated: {
        exitCode,
        reason: 'Error',
        startedAt: iso(),
        finishedAt: iso(),
        containerID: container.id,
      },
    };
    container.ready = false;
    await this.#say(pod);
    const { image } = pod.spec.containers.find((one: Json) => one.name === name);
    this.#later(CRASH_BACKOFF_MS, async () => {
      own.containers.set(name, this.#container(container.restarts + 1));
      this.#run(pod, name, image);
      if (this.#behaviour(pod.metadata.namespace, image).start === 'crashes') {
        this.#later(CRASH_BACKOFF_MS, () => this.#crash(pod, name, exitCode));
      }
      await this.#say(pod);
    });
  }

  /** One write of a pod's status after the other: two at once could arrive in the wrong order. */
  async #say({ metadata: { uid } }: Json): Promise<void> {
    const own = this.#own.get(uid);
    if (own) {
      own.saying = own.saying.then(() => this.#sayNow(uid, own));
      await own.saying;
    }
  }

  /** Writes the status that follows from the containers and the gates, when it is another one than before. */
  async #sayNow(uid: string, own: Own): Promise<void> {
    const pod = this.#pods.get(uid);
    if (!pod || pod.metadata.deletionTimestamp) {
      return;
    }
    const status = statusOf(pod, own.containers);
    const said = JSON.stringify(status);
    if (said === own.said) {
      return;
    }
    try {
      await this.#rest.patch(`${podPath(pod)}/status`, { metadata: { uid }, status }, 'strategic');
      own.said = said;
    } catch {
      this.#later(RETRY_MS, () => this.#again(uid));
    }
  }
}

function statusOf(pod: Json, containers: ReadonlyMap<string, Container>): Json {
  const statuses = pod.spec.containers.map(({ name, image }: Json) => {
    const { id, restarts, ready, state } = containers.get(name) as Container;
    const started = state.waiting === undefined;
    return {
      name, image, imageID: started ? image : '', containerID: started ? id : '', restartCount: restarts, ready,
      started: state.running !== undefined, state,
    }; // biome-ignore format: a list
  });
  const ready = statuses.every((one: Json) => one.ready);
  const open = (pod.spec.readinessGates ?? []).every(({ conditionType }: Json) =>
    pod.status.conditions?.some((one: Json) => one.type === conditionType && one.status === 'True'),
  );
  const conditions = [
    condition(pod, 'Initialized', true, ''),
    condition(pod, 'ContainersReady', ready, 'ContainersNotReady'),
    condition(pod, 'Ready', ready && open, ready ? 'ReadinessGatesNotReady' : 'ContainersNotReady'),
  ];
  return {
    phase: 'Running',
    podIP: '127.0.0.1',
    hostIP: '127.0.0.1',
    startTime: pod.metadata.creationTimestamp,
    conditions,
    containerStatuses: statuses,
  };
}

function condition(pod: Json, type: string, holds: boolean, why: string): Json {
  const status = holds ? 'True' : 'False';
  const known = pod.status.conditions?.find((one: Json) => one.type === type);
  const lastTransitionTime = known?.status === status ? known.lastTransitionTime : iso();
  return { type, status, lastTransitionTime, ...(holds ? {} : { reason: why }) };
}
