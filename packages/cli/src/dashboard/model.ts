/** What the page receives, as JSON. Times are milliseconds since the epoch; every text is text, never markup. */
import type { Class } from '../../../../src/api/enums.ts';
import type { Verb } from '../../../../src/api/verbs.ts';
import type { Look } from '../looks.ts';

/** The section of a card in the overview, in this order. */
export type Section = 'person' | 'back' | 'busy' | 'good';

/** An attempt, with its outcome or current phase. */
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
  /** Since when it is in this state. */
  readonly since: number;
}

export type Bar = 'waiting' | 'pull' | 'start' | 'check' | 'failed' | 'serve' | 'out' | 'ending';

export interface Span {
  readonly what: Bar;
  readonly from: number;
  /** Absent while it continues. */
  readonly to?: number;
}

/** The result of a check in a container. */
interface Result {
  readonly check: string;
  readonly container: string;
  readonly class: Class;
  readonly reason: string;
}

/** One recorded probe of a check. */
export interface Try extends Result {
  readonly at: number;
  /** The exit code, or the reason if there is none. */
  readonly text: string;
  /** The number of this probe of the check. */
  readonly number: number;
}

export type Version = 'before' | 'wanted' | 'restored';

/** One pod from its creation to its end. Pods of a StatefulSet are created several times with one name. */
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
  /** First seen in the endpoints of a Service; `seen` is false if the time is that of the pod's readiness. */
  readonly endpoint?: { readonly at: number; readonly seen: boolean };
  readonly deadlineAt?: number;
  readonly goneAt?: number;
  readonly words: string;
}

/** The location of a pod. */
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
  /** When the last event happened; the current time during an attempt. */
  readonly to: number;
  readonly isLive: boolean;
  /** Time between two probes of a pod. */
  readonly periodSeconds: number;
  readonly marks: readonly Mark[];
  readonly lanes: readonly Lane[];
  /** Number of pods that are not drawn. */
  readonly left: number;
}

export interface WorstCheck extends Result {
  readonly code: string;
  readonly message: string;
  readonly output: readonly string[];
  readonly attempts: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** The number of pods with this result. */
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
  /** How the containers last ended. */
  readonly ends: readonly string[];
}

export interface Evidence {
  readonly worst?: WorstPod;
  readonly splits: readonly Split[];
  /** How many of the desired pods are counted. */
  readonly counted: number;
  readonly desired: number;
}

/** The number of pods in the endpoints of Services at a time. */
export interface Sample {
  readonly at: number;
  readonly before: number;
  readonly verified: number;
  readonly unverified: number;
}

/** An action that may have an effect now. */
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
  /** Absent if it cannot be read, or no Service selects the pods. */
  readonly traffic?: readonly Sample[];
  readonly history: readonly HistoryRow[];
  readonly acts: readonly Act[];
  /** What cannot be shown, and why. */
  readonly missing: readonly string[];
}

export interface About {
  readonly server: string;
  /** The namespace; absent for all. */
  readonly namespace?: string;
  readonly version: string;
  readonly canAct: boolean;
  /** Whether the Upgrades have been listed once. */
  readonly synced: boolean;
  /** Problems, as sentences. */
  readonly notes: readonly string[];
}

export type Message =
  /** A heartbeat, with the time at the API server, which all times are based on. */
  | { readonly type: 'beat'; readonly now: number }
  | { readonly type: 'about'; readonly about: About }
  /** All cards; sent first. */
  | { readonly type: 'fleet'; readonly cards: readonly Card[] }
  | { readonly type: 'cards'; readonly changed: readonly Card[]; readonly gone: readonly string[] }
  /** The Upgrade that the page shows; without `detail` it does not exist, or cannot be shown. */
  | { readonly type: 'upgrade'; readonly key: string; readonly detail?: Detail; readonly fault?: string };

/** An action that a page requests; without `confirmed` the reply only describes the effect. */
export interface ActRequest extends Act {
  readonly namespace: string;
  readonly name: string;
  /** What the page showed: the action is rejected for another Upgrade or another attempt. */
  readonly uid: string;
  readonly attempt: number;
  readonly confirmed?: boolean;
}

export interface ActReply {
  readonly done: boolean;
  /** What will happen, what was requested, or why nothing happens. */
  readonly text: string;
}
