/** From times to places on the picture. Pure. */
import type { Lanes } from '../src/dashboard/model.ts';
import { LATE_MS } from '../src/looks.ts';

export interface Scale {
  readonly from: number;
  readonly to: number;
  readonly width: number;
  readonly x: (at: number) => number;
}

/** Room that is left behind the present, so that its dots are not cut. */
const MARGIN = 0.04;
const SHORTEST_MS = 10_000;
/** A deadline is drawn when the picture does not shrink to less than this part of its width. */
const SMALLEST_PART = 0.35;

/** The picture's span: from the attempt's start to now or its end, and on to the next deadline where that is near. */
export function scaleOf(lanes: Lanes, now: number, width: number): Scale {
  const { from } = lanes;
  const end = Math.max(lanes.isLive ? now : lanes.to, from + SHORTEST_MS);
  const deadlines = lanes.lanes.flatMap(({ lives }) => lives.flatMap(({ deadlineAt }) => deadlineAt ?? []));
  const near = deadlines.filter((at) => at > end && (end - from) / (at - from) >= SMALLEST_PART);
  const last = Math.max(end, ...near);
  const to = last + (last - from) * MARGIN;
  const start = from - (to - from) * 0.02;
  return { from: start, to, width, x: (at) => Math.round(((at - start) / (to - start)) * width * 10) / 10 };
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];
const TICK_WIDTH = 96;

/** Round moments, none nearer to the next than its words are wide. */
export function ticksOf({ from, to, width }: Scale): readonly number[] {
  const most = Math.max(1, Math.floor(width / TICK_WIDTH));
  const step = (STEPS.find((seconds) => (to - from) / (seconds * SECOND) <= most) ?? 86_400) * SECOND;
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: most + 1 }, (_, index) => first + index * step).filter(
    (at) => at < to - step / 4,
  );
}

const two = (part: number): string => String(part).padStart(2, '0');

/** `03:12:07`, in this machine's zone. */
export function clock(at: number): string {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `12s`, `3m10s`, `2h5m`, `3d`. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / SECOND));
  if (seconds < 60) {
    return `${seconds}s`;
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    return seconds % 60 && minutes < 10 ? `${minutes}m${seconds % 60}s` : `${minutes}m`;
  }
  const hours = Math.floor(ms / (60 * MINUTE));
  if (hours < 48) {
    return minutes % 60 && hours < 10 ? `${hours}h${minutes % 60}m` : `${hours}h`;
  }
  return `${Math.floor(hours / 24)}d`;
}

/** Which dots have room for their text: the last one of a crowd, as it is the newest. */
export function withRoom(places: readonly number[], room: number): readonly boolean[] {
  let next = Number.POSITIVE_INFINITY;
  return places
    .toReversed()
    .map((place) => {
      const fits = next - place >= room;
      next = fits ? place : next;
      return fits;
    })
    .toReversed();
}

/** What a lane says of its deadline. */
export const deadlineText = (leftMs: number): string =>
  leftMs > 0
    ? `deadline in ${span(leftMs)}`
    : leftMs >= -LATE_MS
      ? 'deadline over: one last probe'
      : 'deadline over, and nothing is decided';
