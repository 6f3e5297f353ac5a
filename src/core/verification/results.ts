/**
 * A cache of the results of pods. A pod is evaluated again only if something has changed that its result depends on: the pod, its record, its
 * node, what is remembered of its containers, or the time. An event for one pod then costs one evaluation, and a comparison for each other pod.
 */
import { POD_STATES } from '../../api/enums.ts';
import { own } from '../../api/own.ts';
import type { ContainerView, PodView, WarningView } from '../../api/views.ts';
import { isStuck } from './container-findings.ts';
import type { VerificationContext } from './context.ts';
import { evaluatePod } from './pod.ts';
import type { PodResult } from './pod-result.ts';
import type { PodRecord } from './probe-cycle.ts';

interface Entry {
  readonly result: PodResult;
  readonly rank: number;
  readonly record: PodRecord | undefined;
  readonly nodeReady: boolean;
  readonly nodeBackAt: number | undefined;
  readonly warning: WarningView | undefined;
  readonly remembered: readonly (number | undefined)[];
  readonly evaluatedAt: number;
  /** The last call that included this pod. */
  call: number;
}

const MOST_CODES = 100;

interface Inputs {
  readonly context: VerificationContext;
  readonly records: ReadonlyMap<string, PodRecord>;
  readonly now: number;
}

type Settings = Readonly<Record<string, unknown>>;

/** What results depend on and is the same for all pods. */
const settingsOf = ({
  nodeReady: _nodeReady,
  nodeBackAt: _nodeBackAt,
  waitingSince: _waitingSince,
  warningOf: _warningOf,
  restartsBefore: _restartsBefore,
  ...settings
}: VerificationContext): Settings => settings;

const hasSameText = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);

/** Most of it is the same object from decision to decision. */
const areSame = (a: Settings, b: Settings): boolean =>
  Object.keys({ ...a, ...b }).every((name) => hasSameText(own(a, name), own(b, name)));

/** Belongs to one workload. Keeping it between decisions saves evaluations; the results are the same. */
export class PodResults {
  #settings: Settings = {};
  #entries = new WeakMap<PodView, Entry>();
  /** One text for all pods with the same codes: comparing those of thousands is then a comparison of pointers. */
  readonly #codes = new Map<string, string>();
  /** The entries of the last call, worst first. */
  #order: readonly Entry[] = [];
  #call = 0;

  /** The result of each pod, worst first, as if each were evaluated now. */
  of(pods: readonly PodView[], inputs: Inputs): PodResult[] {
    this.#begin(inputs.context);
    const fresh: Entry[] = [];
    for (const pod of pods) {
      const before = this.#entries.get(pod);
      const entry = before && isValid(before, inputs) ? before : this.#evaluate(pod, inputs);
      if (entry.call !== this.#call - 1) {
        fresh.push(entry);
      }
      entry.call = this.#call;
    }
    const unchanged = this.#order.filter(({ call }) => call === this.#call);
    this.#order = merge(unchanged, fresh.sort(worstFirst));
    return this.#order.map(({ result }) => result);
  }

  /** Results of another verification, or with other settings, are not valid for this one. */
  #begin(context: VerificationContext): void {
    const settings = settingsOf(context);
    if (!areSame(settings, this.#settings)) {
      this.#settings = settings;
      this.#entries = new WeakMap();
      this.#codes.clear();
      this.#order = [];
    }
    this.#call += 1;
  }

  #evaluate(pod: PodView, { context, records, now }: Inputs): Entry {
    const record = records.get(pod.uid);
    const evaluated = evaluatePod(pod, record, context, now);
    const result = { ...evaluated, codes: this.#sameCodes(evaluated.codes) };
    const entry: Entry = {
      result,
      rank: POD_STATES.indexOf(result.state),
      record,
      nodeReady: context.nodeReady(pod.node),
      nodeBackAt: context.nodeBackAt?.get(pod.node),
      warning: context.warningOf?.(pod.uid),
      remembered: rememberedOf(pod, context),
      evaluatedAt: now,
      call: Number.NaN,
    };
    this.#entries.set(pod, entry);
    return entry;
  }

  /** Only so many: containers that exit differently each time must not fill the memory. */
  #sameCodes(codes: string): string {
    const known = this.#codes.get(codes);
    if (known === undefined && this.#codes.size < MOST_CODES) {
      this.#codes.set(codes, codes);
    }
    return known ?? codes;
  }
}

/** Whether an evaluation of the unchanged pod would have the same result. */
function isValid(entry: Entry, { context, records, now }: Inputs): boolean {
  const { result, remembered, evaluatedAt } = entry;
  const { pod, lookAt = Number.POSITIVE_INFINITY } = result;
  return (
    evaluatedAt <= now &&
    now < lookAt &&
    entry.record === records.get(pod.uid) &&
    entry.nodeReady === context.nodeReady(pod.node) &&
    entry.nodeBackAt === context.nodeBackAt?.get(pod.node) &&
    entry.warning === context.warningOf?.(pod.uid) &&
    (remembered.length === 0 || isSame(remembered, rememberedOf(pod, context)))
  );
}

const isSame = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.every((value, index) => value === b[index]);

/** What is remembered of containers that are stuck or have restarted; for most pods nothing. */
const rememberedOf = (pod: PodView, context: VerificationContext): readonly (number | undefined)[] =>
  pod.containers.some(isRemembered)
    ? pod.containers.flatMap(({ name }) => [
        context.waitingSince.get(`${pod.uid}/${name}`)?.since,
        context.restartsBefore(pod, name),
      ])
    : NOTHING;

const NOTHING: readonly undefined[] = [];

const isRemembered = (container: ContainerView): boolean => container.restarts > 0 || isStuck(container);

const worstFirst = (a: Entry, b: Entry): number =>
  a.rank - b.rank || (a.result.pod.name < b.result.pod.name ? -1 : 1);

/** Merges two sorted lists, by a binary search for each entry of the short one. */
function merge(many: readonly Entry[], few: readonly Entry[]): readonly Entry[] {
  const merged: Entry[] = [];
  let from = 0;
  for (const entry of few) {
    const place = placeOf(entry, many, from);
    for (let at = from; at < place; at++) {
      merged.push(many[at] as Entry);
    }
    merged.push(entry);
    from = place;
  }
  return few.length === 0 ? many : merged.concat(many.slice(from));
}

/** The index of the first of `sorted`, from `from` on, that comes after the entry. */
function placeOf(entry: Entry, sorted: readonly Entry[], from: number): number {
  let [low, high] = [from, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (worstFirst(sorted[middle] as Entry, entry) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
