/** The nodes: pods start about a second after they were made, get ready, crash, answer execs, and end. Times of conditions are whole seconds. */
import type { ConditionView, ContainerView, PodView } from '../../src/api/views.ts';
import type { ExecRequest, ExecResult } from '../../src/engine/ports.ts';
import type { Answer, Behaviour, CannotStart } from './behaviour.ts';
import { keyOf } from './state.ts';
import { type World, wholeSeconds } from './world.ts';

const SCHEDULED_MS = 20;
/** The kubelet looks at readiness gates again about a second after ContainersReady; later changes take effect at once. */
const SETTLES_MS = 1000;
const EFFECT_MS = 30;
const CRASH_BACKOFF_MS = 10_000;
const NODE_GRACE_MS = 1000;
/** The kubelet restarts a container whose image was changed in the pod; until then the one from before runs on. */
const REPLACES_MS = 1000;

const TRIES_AGAIN_MS = 15_000;

/** What the kubelet says of a container that cannot start; two reasons alternate. */
const CANNOT_START: Readonly<
  Record<CannotStart, { readonly reasons: readonly string[]; readonly says: (image: string) => string }>
> = {
  pullFails: {
    reasons: ['ErrImagePull', 'ImagePullBackOff'],
    says: (image) => `cannot pull ${image}: not found`,
  },
  configError: {
    reasons: ['CreateContainerConfigError'],
    says: () => 'container has runAsNonRoot and image will run as root',
  },
  createFails: { reasons: ['CreateContainerError'], says: () => 'no command specified' },
};

interface Private {
  readonly tries: Map<string, number>;
  /** Starts of containers that wait until those before them have ended, or run. */
  readonly waiting: ((pod: PodView) => PodView)[];
  containersReadyAt: number;
}

export interface Asked {
  readonly podUid: string;
  readonly containerId: string;
  readonly image: string;
  readonly result: ExecResult;
  readonly at: number;
}

const withoutStart = ({ starting: _, ...container }: ContainerView): ContainerView => container;

const isInitialized = ({ containers }: PodView): boolean =>
  containers.every(
    ({ role, state, exitCode, starting }) =>
      role === 'regular' || (role === 'init' ? exitCode === 0 : state === 'running' && !starting),
  );

export class Kubelet {
  readonly #world: World;
  readonly #private = new Map<string, Private>();
  readonly #askedPods = new Map<string, string[]>();
  #postponed: { pod: PodView; change: (pod: PodView) => PodView }[] = [];
  #containers = 0;
  /** What each container was started from, by its ID. */
  readonly #startedFrom = new Map<string, string>();
  /** Images of containers that were ready and are not any more, or that crashed beside containers which had all been started. */
  readonly lapsed = new Set<string>();
  /** Every answer that a container gave: the truth that verdicts are compared with. */
  readonly asked: Asked[] = [];

  constructor(world: World) {
    this.#world = world;
    world.state.onChange(({ kind, type, object }) => {
      if (kind !== 'Pod') {
        return;
      }
      const pod = object as PodView;
      if (type === 'upsert' && !this.#private.has(pod.uid)) {
        this.#adopt(pod);
      }
    });
  }

  #behaviour(image: string): Behaviour {
    return this.#world.images[image] ?? {};
  }

  #adopt(pod: PodView): void {
    this.#private.set(pod.uid, { tries: new Map(), waiting: [], containersReadyAt: 0 });
    this.#later(SCHEDULED_MS, pod, (now) => this.#with(now, { PodScheduled: this.#condition('True', '') }));
    for (const { name, image, role } of pod.containers) {
      const { start = 'runs', startsAfterMs = 1000 } = this.#behaviour(image);
      const afterMs = role === 'init' ? 300 : startsAfterMs;
      if (start === 'mountFails') {
        const [reason, message] = ['FailedMount', 'MountVolume.SetUp failed for volume "data"'];
        this.#world.warnings.set(pod.uid, { reason, message, at: pod.createdAt });
      } else {
        const begin = (now: PodView) => this.#begin(now, name, start);
        this.#later(afterMs, pod, (now) => (role === 'regular' ? this.#inTurn(now, begin) : begin(now)));
      }
    }
  }

  #begin(pod: PodView, name: string, start: Exclude<Behaviour['start'], 'mountFails' | undefined>): PodView {
    switch (start) {
      case 'runs':
        return this.#started(pod, name);
      case 'crashes':
        return this.#startedAndCrashes(pod, name);
      case 'evicted':
        return this.#startedAndEvicted(pod, name);
      default:
        return this.#cannotStart(pod, name, start);
    }
  }

  /** Begins with what has waited for its turn, once the init containers have ended and the sidecars run. */
  #inTurn(pod: PodView, ...more: ((pod: PodView) => PodView)[]): PodView {
    const waiting = [...(this.#private.get(pod.uid)?.waiting.splice(0) ?? []), ...more];
    if (isInitialized(pod)) {
      return waiting.reduce((now, begin) => begin(now), pod);
    }
    this.#private.get(pod.uid)?.waiting.push(...waiting);
    return pod;
  }

  /** Does something to the pod later, if it is still there; on a node that is down, when it is back. */
  #later(delayMs: number, pod: PodView, change: (pod: PodView) => PodView): void {
    this.#world.clock.after(delayMs, () => this.#now(pod, change));
  }

  #now(pod: PodView, change: (pod: PodView) => PodView): void {
    const known = this.#world.state.get('Pod', keyOf(pod));
    if (known?.uid !== pod.uid || known.deleting) {
      return;
    }
    if (this.#up(known)) {
      this.#world.state.put('Pod', this.#withReadiness(this.#inTurn(change(known))));
    } else {
      this.#postponed.push({ pod, change });
    }
  }

  #up(pod: PodView): boolean {
    return pod.node === '' || (this.#world.node(pod.node)?.ready ?? true);
  }

  #condition(status: ConditionView['status'], reason: string, message = ''): ConditionView {
    return {
      status,
      reason,
      message,
      since: wholeSeconds(this.#world.clock.now() + this.#world.nodeAheadMs),
    };
  }

  #with(pod: PodView, conditions: Readonly<Record<string, ConditionView>>): PodView {
    return { ...pod, conditions: { ...pod.conditions, ...conditions } };
  }

  #withContainer(pod: PodView, name: string, change: (container: ContainerView) => ContainerView): PodView {
    return {
      ...pod,
      containers: pod.containers.map((container) =>
        container.name === name ? change(container) : container,
      ),
    };
  }

  /** Runs a container; an init container `ends` at once. */
  #run(pod: PodView, name: string, ends = true): PodView {
    const id = `containerd://c${String(++this.#containers).padStart(11, '0')}f00d`;
    this.#startedFrom.set(id, pod.containers.find((own) => own.name === name)?.image ?? '');
    const startedAt = wholeSeconds(this.#world.clock.now() + this.#world.nodeAheadMs);
    const running = this.#withContainer(pod, name, (container) =>
      container.role === 'init' && ends
        ? {
            ...container,
            id,
            state: 'terminated',
            reason: 'Completed',
            message: '',
            exitCode: 0,
            ready: true,
          }
        : {
            ...withoutStart(container),
            id,
            startedAt,
            state: 'running',
            reason: '',
            message: '',
            ready: false,
          },
    );
    return { ...running, phase: 'Running' };
  }

  #started(pod: PodView, name: string): PodView {
    const container = pod.containers.find((own) => own.name === name);
    const { readyAfterMs = 50 } = this.#behaviour(container?.image ?? '');
    const running = this.#run(pod, name, readyAfterMs !== false);
    if (container?.role === 'init') {
      if (readyAfterMs === false) {
        this.#later(TRIES_AGAIN_MS, pod, (now) => this.#started(now, name));
      }
      return running;
    }
    const { id } = running.containers.find((own) => own.name === name) as ContainerView;
    if (readyAfterMs !== false) {
      this.#later(readyAfterMs, pod, (now) =>
        this.#withContainer(now, name, (own) =>
          own.id === id && own.state === 'running' ? { ...own, ready: true } : own,
        ),
      );
    }
    return running;
  }

  #startedAndCrashes(pod: PodView, name: string): PodView {
    const { livesMs = 200, crashCode = 1 } = this.#behaviour(
      pod.containers.find((own) => own.name === name)?.image ?? '',
    );
    this.#later(livesMs, pod, (now) => {
      for (const { image } of now.containers.every(({ id }) => id !== '') ? now.containers : []) {
        this.lapsed.add(image);
      }
      return this.#ended(now, name, crashCode, (again) => this.#again(again, name));
    });
    // The startup probe of such a sidecar never succeeds.
    return this.#withContainer(this.#run(pod, name, false), name, (own) =>
      own.role === 'sidecar' ? { ...own, starting: true } : own,
    );
  }

  /** As its image behaves by now. */
  #again(pod: PodView, name: string): PodView {
    const { start = 'runs' } = this.#behaviour(pod.containers.find((own) => own.name === name)?.image ?? '');
    return this.#begin(pod, name, start === 'mountFails' ? 'runs' : start);
  }

  /** The node is short of memory: its containers get time to end, and the pod stays, as failed. */
  #startedAndEvicted(pod: PodView, name: string): PodView {
    const { livesMs = 200, endsMs = 0 } = this.#behaviour(
      pod.containers.find((own) => own.name === name)?.image ?? '',
    );
    const ended = { state: 'terminated', reason: 'Error', exitCode: 137, ready: false } as const;
    this.#later(livesMs, pod, (now) =>
      this.#with(now, { DisruptionTarget: this.#condition('True', 'TerminationByKubelet') }),
    );
    this.#later(livesMs + endsMs, pod, (now) => ({
      ...this.#withContainer(now, name, ({ startedAt: _, ...own }) => ({ ...own, ...ended })),
      phase: 'Failed',
      reason: 'Evicted',
      message: 'The node was low on resource: memory.',
    }));
    return this.#started(pod, name);
  }

  /** The container has ended; it comes back after the kubelet's backoff, with another ID. */
  #ended(pod: PodView, name: string, exitCode: number, again: (pod: PodView) => PodView): PodView {
    const { restarts } = pod.containers.find((own) => own.name === name) as ContainerView;
    const backoffMs = restarts === 0 ? 100 : Math.min(300_000, CRASH_BACKOFF_MS * 2 ** (restarts - 1));
    this.#later(backoffMs, pod, (now) =>
      again(this.#withContainer(now, name, (own) => ({ ...own, restarts: own.restarts + 1 }))),
    );
    const waiting = {
      state: 'waiting',
      reason: 'CrashLoopBackOff',
      message: `back-off ${backoffMs / 1000}s restarting`,
    } as const;
    const terminated = { state: 'terminated', reason: 'Error', message: '' } as const;
    return this.#withContainer(pod, name, ({ startedAt: _, ...own }) => ({
      ...own,
      ...(restarts === 0 ? terminated : waiting),
      exitCode,
      ready: false,
    }));
  }

  /** It is tried again until the image behaves otherwise. */
  #cannotStart(pod: PodView, name: string, how: CannotStart): PodView {
    const container = pod.containers.find((own) => own.name === name) as ContainerView;
    const { says = CANNOT_START[how].says(container.image) } = this.#behaviour(container.image);
    const [first, second = first] = CANNOT_START[how].reasons;
    const reason = (container.reason === first ? second : first) as string;
    const { ms, saysWhy } = this.#world.pullBackOff;
    const isBackOff = reason === 'ImagePullBackOff';
    this.#later(isBackOff ? ms : TRIES_AGAIN_MS, pod, (now) =>
      this.#behaviour(container.image).start === how
        ? this.#cannotStart(now, name, how)
        : this.#started(now, name),
    );
    const waits = `Back-off pulling image "${container.image}"${saysWhy ? `: ErrImagePull: ${says}` : ''}`;
    const message = isBackOff ? waits : says;
    return this.#withContainer(pod, name, (own) => ({ ...own, state: 'waiting', reason, message }));
  }

  /** ContainersReady and Ready as they follow from containers and gates. */
  #withReadiness(pod: PodView): PodView {
    const now = this.#world.clock.now();
    const ready = pod.containers.every((container) => container.ready);
    const own = this.#private.get(pod.uid) as Private;
    let next = pod;
    if ((pod.conditions['ContainersReady']?.status === 'True') !== ready) {
      if (ready) {
        own.containersReadyAt = now;
      }
      next = this.#with(pod, {
        ContainersReady: this.#condition(ready ? 'True' : 'False', ready ? '' : 'ContainersNotReady'),
      });
    }
    return this.#withServing(next, ready, own.containersReadyAt + SETTLES_MS - now);
  }

  #withServing(pod: PodView, ready: boolean, settlesInMs: number): PodView {
    const known = pod.conditions['Ready']?.status;
    const serving = ready && pod.gates.every((gate) => pod.conditions[gate]?.status === 'True');
    if (known !== undefined && (known === 'True') === serving) {
      return pod;
    }
    if (serving && pod.gates.length > 0 && settlesInMs > 0) {
      this.#later(settlesInMs, pod, (later) => later);
      return pod;
    }
    const reason = serving ? '' : ready ? 'ReadinessGatesNotReady' : 'ContainersNotReady';
    return this.#with(pod, { Ready: this.#condition(serving ? 'True' : 'False', reason) });
  }

  /** Somebody patched the pod's status: the kubelet takes notice a moment later. */
  patched(pod: PodView): void {
    this.#later(EFFECT_MS, pod, (now) => now);
  }

  /** Starts the end of a pod; on a node that is down it never comes. */
  terminate(pod: PodView): void {
    const known = this.#world.state.get('Pod', keyOf(pod));
    if (known?.uid !== pod.uid || known.deleting) {
      return;
    }
    this.#world.state.put('Pod', { ...known, deleting: true });
    this.#finish(known);
  }

  #finish(pod: PodView): void {
    this.#world.clock.after(this.#world.terminatesMs, () => {
      const known = this.#world.state.get('Pod', keyOf(pod));
      if (known?.uid === pod.uid && known.deleting && this.#up(known)) {
        this.#world.state.remove('Pod', known);
      }
    });
  }

  nodeChanged(name: string, ready: boolean): void {
    const postponed = this.#postponed.splice(0);
    for (const { pod, change } of postponed) {
      this.#later(NODE_GRACE_MS, pod, change);
    }
    for (const pod of this.#world.pods().filter(({ node }) => node === name)) {
      if (ready && pod.deleting) {
        this.#finish(pod);
      } else if (ready) {
        this.#later(NODE_GRACE_MS, pod, (now) =>
          this.#with(now, { Ready: this.#condition('False', 'NodeWasDown') }),
        );
      } else {
        this.#world.state.put('Pod', this.#with(pod, { Ready: this.#condition('False', 'NodeNotReady') }));
      }
    }
  }

  /** Kills a container: it ends with 137 and comes back. */
  kill(pod: PodView, name: string): void {
    this.#later(0, pod, (now) => this.#ended(now, name, 137, (again) => this.#started(again, name)));
  }

  /** The containers run on, but their readiness probes fail; or succeed again. */
  setReady(pod: PodView, ready: boolean): void {
    for (const { image } of ready ? [] : pod.containers) {
      this.lapsed.add(image);
    }
    this.#later(0, pod, (now) => ({
      ...now,
      containers: now.containers.map((container) => ({ ...container, ready })),
    }));
  }

  /** Somebody sets the image of a container in the pod itself. */
  setImage(pod: PodView, name: string, image: string): void {
    const known = this.#world.state.get('Pod', keyOf(pod)) ?? pod;
    const changed = this.#withContainer(known, name, (own) => ({ ...own, image }));
    this.#world.state.put('Pod', {
      ...changed,
      specChanges: known.specChanges + 1,
      imagesChanged: [...new Set([...known.imagesChanged, name])],
    });
    this.#later(REPLACES_MS, pod, (now) => this.#replaced(now, name));
  }

  #replaced(pod: PodView, name: string): PodView {
    const { id, state, image } = pod.containers.find((own) => own.name === name) as ContainerView;
    if (state !== 'running' || this.#startedFrom.get(id) === image) {
      return pod;
    }
    const counted = this.#withContainer(pod, name, (own) => ({ ...own, restarts: own.restarts + 1 }));
    return this.#started(counted, name);
  }

  async exec(request: ExecRequest, sleep: (ms: number) => Promise<void>): Promise<ExecResult> {
    const pod = this.#world.state.get('Pod', `${request.namespace}/${request.pod}`);
    const container = pod?.containers.find(({ name }) => name === request.container);
    await sleep(10);
    if (!pod) {
      return { kind: 'gone', message: `pods "${request.pod}" not found` };
    }
    if (container?.state !== 'running') {
      return { kind: 'gone', message: `container ${request.container} is not running` };
    }
    if (!this.#up(pod)) {
      await sleep(5000);
      return { kind: 'refused', status: 500, message: 'error dialing backend: no route to host' };
    }
    const image = this.#startedFrom.get(container.id) ?? container.image;
    const result = await this.#answer(pod, { ...container, image }, request, sleep);
    this.asked.push({
      podUid: pod.uid,
      containerId: container.id,
      image,
      result,
      at: this.#world.clock.now(),
    });
    return result;
  }

  #indexOf({ uid }: PodView, image: string): number {
    const pods = this.#askedPods.get(image) ?? [];
    if (!pods.includes(uid)) {
      pods.push(uid);
    }
    this.#askedPods.set(image, pods);
    return pods.indexOf(uid) + 1;
  }

  async #answer(
    pod: PodView,
    container: ContainerView,
    request: ExecRequest,
    sleep: (ms: number) => Promise<void>,
  ): Promise<ExecResult> {
    const { tries } = this.#private.get(pod.uid) as Private;
    const nth = (tries.get(container.name) ?? 0) + 1;
    tries.set(container.name, nth);
    const now = this.#world.clock.now();
    const ageMs = now - (container.startedAt ?? now);
    const answer: Answer =
      this.#behaviour(container.image).answer?.({
        path: request.command[0] ?? '',
        nth,
        ageMs,
        now,
        index: this.#indexOf(pod, container.image),
        node: pod.node,
      }) ?? 0;
    if (answer === 'hang') {
      await sleep(request.timeoutMs);
      return { kind: 'timeout', output: '' };
    }
    if (answer === 'silent') {
      await sleep(request.timeoutMs);
      return { kind: 'broken', message: `the command had not started within ${request.timeoutMs} ms` };
    }
    if (answer === 'dies') {
      this.kill(pod, container.name);
      await sleep(20);
      return { kind: 'exit', code: 137, output: '' };
    }
    await sleep(typeof answer === 'object' ? (answer.afterMs ?? 30) : 30);
    if (answer === 'missing') {
      return { kind: 'missing' };
    }
    if (answer === 'broken') {
      return { kind: 'broken', message: 'the connection was lost' };
    }
    if (answer === 'refused') {
      return { kind: 'refused', status: 403, message: 'pods "exec" is forbidden' };
    }
    const { code, output = '' } = typeof answer === 'object' ? answer : { code: answer };
    return { kind: 'exit', code, output: output.slice(0, request.maxOutputBytes) };
  }
}
