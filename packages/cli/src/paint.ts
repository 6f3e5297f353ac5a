/** One look for each state, the same in every picture. */
import type { Class, Phase } from '../../../src/api/types.ts';
import type { Io } from './io.ts';

type Style = Parameters<Io['paint']>[0];

export interface Look {
  readonly symbol: string;
  readonly style: Style;
}

const GOOD: Look = { symbol: '✔', style: 'green' };
const BAD: Look = { symbol: '✗', style: 'red' };
const BACK: Look = { symbol: '↩', style: 'yellow' };
const BUSY: Look = { symbol: '◌', style: 'cyan' };
const UNSURE: Look = { symbol: '?', style: 'magenta' };
const STILL: Look = { symbol: '○', style: 'gray' };

const PHASES: Readonly<Record<string, Look>> = {
  Succeeded: GOOD,
  FellBack: BACK,
  FallbackFailed: BAD,
  Failed: BAD,
  Aborted: STILL,
  Superseded: STILL,
  Partial: BAD,
  Inconclusive: UNSURE,
};

export const symbolOf = (phase: Phase | string): Look => PHASES[phase] ?? BUSY;

const STATES: Readonly<Record<string, Look>> = {
  Passed: GOOD,
  Skipped: GOOD,
  Failed: BAD,
  Inconclusive: UNSURE,
  Retrying: BUSY,
  Waiting: STILL,
};

export const stateLook = (state: string): Look => STATES[state] ?? STILL;

const STAGES: Readonly<Record<string, Look>> = { Waiting: STILL, AwaitingApproval: UNSURE, Done: GOOD };

export const stageLook = (state: string): Look => STAGES[state] ?? BUSY;

const CLASSES: Readonly<Record<Class, Style>> = {
  Pass: 'green',
  Skip: 'gray',
  Retry: 'yellow',
  Fail: 'red',
  Error: 'magenta',
};

export const classStyle = (of: Class): Style => CLASSES[of] ?? 'gray';
