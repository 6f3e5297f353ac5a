/** What a container does, told by its image: how it starts, whether it gets ready, and what the readiness script in it answers. */

export type Answer =
  | number
  | { readonly code: number; readonly output?: string; readonly afterMs?: number }
  | 'missing'
  | 'hang'
  /** The connection stays open, and nothing comes over it. */
  | 'silent'
  | 'broken'
  | 'refused'
  /** The container dies under the command: 137, and a restart. */
  | 'dies';

export interface Ask {
  /** Counts from 1, for one container of one pod. */
  readonly nth: number;
  /** Since the container started. */
  readonly ageMs: number;
  /** Which pod with this image it is, in the order in which they were first asked, from 1. */
  readonly index: number;
  readonly now: number;
  /** Where the pod runs. */
  readonly node: string;
  /** What is run. */
  readonly path: string;
}

export type CannotStart = 'pullFails' | 'configError' | 'createFails';

export interface Behaviour {
  readonly start?: 'runs' | CannotStart | 'crashes' | 'mountFails' | 'evicted';
  /** What the kubelet says of a container that cannot start. */
  readonly says?: string;
  readonly startsAfterMs?: number;
  /** From running to ready; `false`: never. */
  readonly readyAfterMs?: number | false;
  /** How long a crashing container, or a pod that is evicted, lives. */
  readonly livesMs?: number;
  /** How long the containers of a pod that is evicted take to end. */
  readonly endsMs?: number;
  readonly crashCode?: number;
  readonly answer?: (ask: Ask) => Answer;
}

export const GOOD: Behaviour = {};
export const exits = (code: number, output = ''): Behaviour => ({ answer: () => ({ code, output }) });
/** Exits `code` for the first tries, then 0. */
export const exitsFirst = (times: number, code: number): Behaviour => ({
  answer: ({ nth }) => (nth <= times ? code : 0),
});
