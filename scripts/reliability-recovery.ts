/** How long upgrades take to recover from a fault: what tests record, and what the page says of it. */
import type { Stamp } from './reliability-figures.ts';

/** `virtual`: in the simulation; `real`: on a real API server, where the machine's load counts too. */
export const TIMES = ['virtual', 'real'] as const;
export type Time = (typeof TIMES)[number];

/** The slowest of all recorded runs with this fault. */
export type Recovery = { readonly seconds: number } & Stamp;
/** By fault. */
export type Recoveries = Readonly<Record<string, Readonly<Partial<Record<Time, Recovery>>>>>;

/** One line of the file that tests write. */
export interface RecoveryLine {
  readonly fault: string;
  readonly time: Time;
  readonly seconds: number;
}

/** `before`, with the slowest of these; a fault of which there is none keeps what was known. */
export function withRecoveries(before: Recoveries, lines: readonly RecoveryLine[], stamp: Stamp): Recoveries {
  const after: Record<string, Partial<Record<Time, Recovery>>> = structuredClone(before);
  const recorded = Map.groupBy(lines, ({ fault, time }) => `${fault} ${time}`);
  for (const own of recorded.values()) {
    const { fault, time } = own[0] as RecoveryLine;
    const seconds = Math.max(...own.map((line) => line.seconds));
    after[fault] = { ...after[fault], [time]: { seconds: Math.round(10 * seconds) / 10, ...stamp } };
  }
  return after;
}

/** As in `3 s virtual, 1.2 s real`; empty when nothing was recorded. */
export const recoveryText = (recoveries: Recoveries, fault: string): string =>
  TIMES.flatMap((time) => {
    const recovery = recoveries[fault]?.[time];
    return recovery ? [`${recovery.seconds} s ${time}`] : [];
  }).join(', ');

/** The slowest of all faults, with the fault; undefined when nothing was recorded. */
export function slowest(recoveries: Recoveries, time: Time): string | undefined {
  const [first] = Object.entries(recoveries)
    .flatMap(([fault, by]) => (by[time] ? [{ fault, ...by[time] }] : []))
    .sort((a, b) => b.seconds - a.seconds);
  return first && `${first.seconds} s (${first.fault}, ${first.date}, ${first.commit})`;
}
