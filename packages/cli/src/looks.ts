/** The look of each state, the same in a terminal and on the page. The page is built from this file too, so it imports only types. */
import type { Class } from '../../../src/api/enums.ts';

export type Look = 'good' | 'bad' | 'back' | 'busy' | 'unsure' | 'still';

/** Symbols, so that colours are never the only indication. */
export const SYMBOLS: Readonly<Record<Look, string>> = {
  good: '✔',
  bad: '✗',
  back: '↩',
  busy: '◌',
  unsure: '?',
  still: '○',
};

type Looks<Key extends string = string> = Readonly<Partial<Record<Key, Look>>>;

const PHASES: Looks = {
  Succeeded: 'good',
  FellBack: 'back',
  FallbackFailed: 'bad',
  Failed: 'bad',
  Aborted: 'still',
  Superseded: 'still',
  Partial: 'bad',
  Inconclusive: 'unsure',
};
const STATES: Looks = {
  Passed: 'good',
  Skipped: 'good',
  Failed: 'bad',
  Inconclusive: 'unsure',
  Retrying: 'busy',
  Waiting: 'still',
};
const STAGES: Looks = { Waiting: 'still', AwaitingApproval: 'unsure', Done: 'good' };
const CLASSES: Looks<Class> = { Pass: 'good', Skip: 'still', Retry: 'back', Fail: 'bad', Error: 'unsure' };

/** The look of a phase, or of the outcome of an attempt. */
export const phaseLook = (phase: string): Look => PHASES[phase] ?? 'busy';
/** The look of a pod. */
export const stateLook = (state: string): Look => STATES[state] ?? 'still';
export const stageLook = (state: string): Look => STAGES[state] ?? 'busy';
/** The look of the result of a probe. */
export const classLook = (of: Class): Look => CLASSES[of] ?? 'still';

/** `1 pod`, `3 pods`. */
export const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

/** The operator decides within seconds of a deadline, after one last probe; when it is over for longer, the operator may not run. */
export const LATE_MS = 60_000;
