/** One pod's life in a lane: what it did in time, its tries, its verdict, and its deadline. */
import type { JSX } from 'preact';
import type { Life, Span, Try } from '../src/dashboard/model.ts';
import { clock, deadlineText, type Scale, span, withRoom } from './scale.ts';

/** Height of a lane. */
export const ROW = 36;
const MIDDLE = ROW / 2;
const DOT = 9;

const BARS: Readonly<Record<Span['what'], string>> = {
  waiting: 'waiting to be started',
  pull: 'pulling the image',
  start: 'running, not ready yet',
  check: 'ready, being checked',
  failed: 'failed',
  out: 'verified, not in the endpoints yet',
  serve: 'serves',
  ending: 'ends',
};
/** Which version a pod runs, in words. */
export const WHOSE: Readonly<Record<Life['version'], string>> = {
  before: 'previous version',
  wanted: 'new version',
  restored: 'restored',
};
export function LifeView({ life, scale, now }: { life: Life; scale: Scale; now: number }): JSX.Element {
  const { verdict, gateOpenedAt, endpoint, deadlineAt } = life;
  return (
    <g>
      {life.bars.map((bar) => (
        <BarView key={bar.what} bar={bar} life={life} scale={scale} now={now} />
      ))}
      {verdict && (
        <g class={`verdict ${verdict.good ? 'look-good' : 'look-bad'}`}>
          <line x1={scale.x(verdict.at)} x2={scale.x(verdict.at)} y1={3} y2={ROW - 3} />
          <title>{`${clock(verdict.at)} verdict: ${verdict.text}`}</title>
        </g>
      )}
      <Tries tries={life.tries} scale={scale} />
      {gateOpenedAt !== undefined && life.version !== 'before' && (
        <g class="gate">
          <path d={`M${scale.x(gateOpenedAt)},1 l4.5,4.5 l-4.5,4.5 l-4.5,-4.5z`} />
          <title>{`${clock(gateOpenedAt)} gate opened`}</title>
        </g>
      )}
      {endpoint !== undefined && life.version !== 'before' && (
        <g class="endpoint">
          <path d={`M${scale.x(endpoint.at)},${ROW - 10} l5,9 h-10z`} />
          <title>{`${clock(endpoint.at)} first endpoint${endpoint.seen ? '' : ', by its readiness'}`}</title>
        </g>
      )}
      {deadlineAt !== undefined && <Deadline at={deadlineAt} scale={scale} now={now} />}
    </g>
  );
}

interface BarProps {
  readonly bar: Span;
  readonly life: Life;
  readonly scale: Scale;
  readonly now: number;
}

function BarView({ bar, life, scale, now }: BarProps): JSX.Element {
  const from = Math.max(0, scale.x(bar.from));
  const to = scale.x(Math.min(bar.to ?? now, scale.to));
  return (
    <rect
      class={`bar ${bar.what} ${life.version}`}
      x={from}
      y={MIDDLE - 5}
      width={Math.max(1.5, to - from)}
      height={10}
      rx={3}
    >
      <title>
        {`${WHOSE[life.version]}: ${BARS[bar.what]}, ${clock(bar.from)} for ${span((bar.to ?? now) - bar.from)}`}
      </title>
    </rect>
  );
}

function Tries({ tries, scale }: { tries: readonly Try[]; scale: Scale }): JSX.Element {
  const places = tries.map(({ at }) => scale.x(at));
  const isLabelled = withRoom(places, DOT * 2 + 1);
  return (
    <g>
      {tries.map((one, index) => (
        <Between
          key={`${one.check}/${one.container}/${one.at}`}
          one={one}
          earlier={tries.slice(0, index)}
          scale={scale}
        />
      ))}
      {tries.map((one, index) => (
        <Dot
          key={`${one.check}/${one.container}/${one.at}`}
          one={one}
          x={places[index] ?? 0}
          isLabelled={isLabelled[index] === true}
        />
      ))}
    </g>
  );
}

/** The API keeps only the last probe: how many there were between two that were observed. */
function Between({
  one,
  earlier,
  scale,
}: {
  one: Try;
  earlier: readonly Try[];
  scale: Scale;
}): JSX.Element | null {
  const before = earlier.findLast(
    ({ check, container }) => check === one.check && container === one.container,
  );
  const left = one.number - (before?.number ?? one.number) - 1;
  const [from, to] = [scale.x(before?.at ?? one.at), scale.x(one.at)];
  return left < 1 || to - from < 90 ? null : (
    <text class="between" x={(from + to) / 2} y={MIDDLE - 8}>
      {left} more {left === 1 ? 'probe' : 'probes'}
    </text>
  );
}

function Dot({ one, x, isLabelled }: { one: Try; x: number; isLabelled: boolean }): JSX.Element {
  const text = one.text.length <= 3 ? one.text : one.class === 'Error' ? '?' : '!';
  return (
    <g class={`try class-${one.class}`}>
      <circle cx={x} cy={MIDDLE} r={isLabelled ? DOT : 4} />
      {isLabelled && (
        <text x={x} y={MIDDLE + 3.5}>
          {text}
        </text>
      )}
      <title>
        {`${clock(one.at)} ${one.check} in ${one.container}: ${one.text} (${one.class}, ${one.reason}), try ${one.number}`}
      </title>
    </g>
  );
}

function Deadline({ at, scale, now }: { at: number; scale: Scale; now: number }): JSX.Element {
  const words = deadlineText(at - now);
  const isDrawn = at <= scale.to;
  const x = isDrawn ? scale.x(at) : scale.width - 3;
  return (
    <g class="deadline">
      {isDrawn && <line x1={x} x2={x} y1={0} y2={ROW} />}
      <text x={x - 4} y={ROW - 4} text-anchor="end">
        {isDrawn ? words : `${words} ▸`}
      </text>
    </g>
  );
}
