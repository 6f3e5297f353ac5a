/** What the page receives, as JSON. Times are milliseconds since the epoch; every text is text, never markup. */
import type { Class } from '../../../../src/api/enums.ts';
import type { Verb } from '../../../../src/api/verbs.ts';
import type { Look } from '../looks.ts';

/** Where a card stands in the fleet, in this order. */
export type Section = 'person' | 'back' | 'busy' | 'good';

/** An attempt, with how it ended or where it stands. */
export interface Past {
  readonly number: number;
  readonly outcome: string;
  readonly look: Look;
}

export interface Card {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly kind: string;
  readonly target: string;
  readonly phase: string;
  readonly look: Look;
  readonly section: Section;
  /** Smaller is more urgent. */
  readonly urgency: number;
  readonly passed: string;
  readonly headline: string;
  readonly images: string;
  /** The last attempts, the oldest first; the running one is the last. */
  readonly attempts: readonly Past[];
  /** When it came to where it stands. */
  readonly since: number;
}

export type Bar = 'waiting' | 'pull' | 'start' | 'check' | 'failed' | 'serve' | 'out' | 'ending';

export interface Span {
  readonly what: Bar;
  readonly from: number;
  /** `undefined`: goes on. */
  readonly to?: number;
}

/** What a check said in a container. */
interface Said {
  readonly check: string;
  readonly container: string;
  readonly class: Class;
  readonly reason: string;
}

/** One try of a check that somebody saw. */
export interface Try extends Said {
  readonly at: number;
  /** The exit code, or the reason when there was none. */
  readonly text: string;
  /** Which try of this check it was. */
  readonly number: number;
}

export type Version = 'before' | 'wanted' | 'restored';

/** One pod from its creation to its end. A StatefulSet's pods live several times under one name. */
export interface Life {
  readonly uid: string;
  readonly version: Version;
  readonly image: string;
  readonly state: string;
  readonly look: Look;
  readonly bars: readonly Span[];
  readonly tries: readonly Try[];
  readonly verdict?: { readonly at: number; readonly good: boolean; readonly text: string };
  readonly gate: 'none' | 'closed' | 'open';
  readonly gateOpenedAt?: number;
  /** First seen in the endpoints of a Service; `seen` is false when it is taken from the pod's readiness. */
  readonly endpoint?: { readonly at: number; readonly seen: boolean };
  readonly deadlineAt?: number;
  readonly goneAt?: number;
  readonly words: string;
}

/** Where a pod is. */
export interface Place {
  readonly node: string;
  readonly zone: string;
}

export interface Lane extends Place {
  readonly pod: string;
  readonly stage: string;
  readonly lives: readonly Life[];
}

export interface Mark {
  readonly of: 'start' | 'fallback' | 'end';
  readonly at: number;
  readonly text: string;
  readonly look: Look;
}

export interface Lanes {
  readonly from: number;
  /** When the last thing happened; the present while something goes on. */
  readonly to: number;
  readonly isLive: boolean;
  /** Time between two probes of a pod. */
  readonly periodSeconds: number;
  readonly marks: readonly Mark[];
  readonly lanes: readonly Lane[];
  /** Pods that are not drawn. */
  readonly left: number;
}

export interface WorstCheck extends Said {
  readonly code: string;
  readonly message: string;
  readonly output: readonly string[];
  readonly attempts: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** So many pods said this. */
export interface Count {
  readonly text: string;
  readonly look: Look;
  readonly pods: number;
}

export interface Split {
  readonly by: 'node' | 'image' | 'zone';
  readonly rows: readonly { readonly name: string; readonly codes: readonly Count[] }[];
}

export interface WorstPod extends Place {
  readonly pod: string;
  readonly image: string;
  readonly checks: readonly WorstCheck[];
  /** How containers ended last. */
  readonly ends: readonly string[];
}

export interface Evidence {
  readonly worst?: WorstPod;
  readonly splits: readonly Split[];
  /** Pods that are counted, of so many. */
  readonly counted: number;
  readonly desired: number;
}

/** Pods in the endpoints of Services at a moment. */
export interface Sample {
  readonly at: number;
  readonly before: number;
  readonly verified: number;
  readonly unverified: number;
}

/** A verb that would come to something now. */
export interface Act {
  readonly verb: Verb | 'pause' | 'resume';
  readonly stage?: string;
}

export interface StageBar {
  readonly name: string;
  readonly state: string;
  readonly look: Look;
  readonly verified: number;
  readonly desired: number;
}

/** An attempt of the history. */
export interface HistoryRow extends Past {
  readonly images: string;
  readonly cause: string;
  readonly startedAt: number;
  readonly finishedAt: number;
}

export interface Detail {
  readonly uid: string;
  readonly card: Card;
  readonly headline: string;
  readonly parts: readonly { readonly topic: string; readonly lines: readonly string[] }[];
  readonly attempt: number;
  readonly stages: readonly StageBar[];
  readonly isPaused: boolean;
  readonly lanes: Lanes;
  readonly evidence: Evidence;
  /** `undefined`: not to be read, or no Service selects the pods. */
  readonly traffic?: readonly Sample[];
  readonly history: readonly HistoryRow[];
  readonly acts: readonly Act[];
  /** What cannot be shown, and why. */
  readonly missing: readonly string[];
}

export interface About {
  readonly server: string;
  /** The namespace; all of them when absent. */
  readonly namespace?: string;
  readonly version: string;
  readonly canAct: boolean;
  /** The Upgrades have been read once. */
  readonly synced: boolean;
  /** What is not as it should be, in sentences. */
  readonly notes: readonly string[];
}

export type Message =
  /** A sign of life, with the time at the API server, which all times here are of. */
  | { readonly type: 'beat'; readonly now: number }
  | { readonly type: 'about'; readonly about: About }
  /** Everything; it comes first. */
  | { readonly type: 'fleet'; readonly cards: readonly Card[] }
  | { readonly type: 'cards'; readonly changed: readonly Card[]; readonly gone: readonly string[] }
  /** The Upgrade that the page looks at; without `detail` there is none, or it cannot be shown. */
  | { readonly type: 'upgrade'; readonly key: string; readonly detail?: Detail; readonly fault?: string };

/** An action that a page requests; without `confirmed` the reply only says what it would do. */
export interface ActRequest extends Act {
  readonly namespace: string;
  readonly name: string;
  /** What the page was looking at: another Upgrade, or another attempt, is not acted on. */
  readonly uid: string;
  readonly attempt: number;
  readonly confirmed?: boolean;
}

export interface ActReply {
  readonly done: boolean;
  /** What will happen, what was requested, or why nothing happens. */
  readonly text: string;
}
