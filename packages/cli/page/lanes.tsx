/** Lanes: what each pod of an attempt did and does, in time, by node or by stage. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Lane, Lanes, Life, Sample, Span, Try } from '../src/dashboard/model.ts';
import { plural, SYMBOLS } from '../src/looks.ts';
import { clock, deadlineText, type Scale, scaleOf, span, ticksOf, withRoom } from './scale.ts';
import { Traffic } from './traffic.tsx';
import { useWidth } from './width.ts';

const ROW = 36;
const MIDDLE = ROW / 2;
const DOT = 9;
const MARK_WIDTH = 150;

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

interface LanesProps {
  readonly lanes: Lanes;
  readonly traffic: readonly Sample[] | undefined;
  readonly now: number;
}

export function LanesView({ lanes, traffic, now: clockNow }: LanesProps): JSX.Element {
  // Events are never in the future.
  const now = Math.max(clockNow, lanes.to);
  const [ref, width] = useWidth<HTMLDivElement>();
  const hasStages = lanes.lanes.some(({ stage }) => stage !== '');
  const [by, setBy] = useState<'node' | 'stage'>('node');
  const scale = scaleOf(lanes, now, width);
  const groups = [...Map.groupBy(lanes.lanes, (lane) => groupOf(lane, hasStages ? by : 'node'))];
  return (
    <section class="panel" aria-labelledby="lanes-title">
      <div class="panel-head">
        <h2 id="lanes-title">Pods</h2>
        {hasStages && (
          <label class="choice">
            by{' '}
            <select
              value={by}
              onChange={({ currentTarget }) => setBy(currentTarget.value === 'stage' ? 'stage' : 'node')}
            >
              <option value="node">node</option>
              <option value="stage">stage</option>
            </select>
          </label>
        )}
        <Legend />
      </div>
      {lanes.lanes.length === 0 && <p class="empty">No pods to show.</p>}
      <div class="lanes">
        <div class="label" />
        <div ref={ref}>
          <Axis scale={scale} lanes={lanes} />
        </div>
        {groups.map(([name, mine]) => (
          <Group key={name} name={name} lanes={mine} all={lanes} scale={scale} now={now} />
        ))}
        <Traffic samples={traffic} lanes={lanes} scale={scale} now={now} />
      </div>
      {lanes.left > 0 && (
        <p class="quiet">{plural(lanes.left, 'further pod')} not drawn: these are the most relevant ones.</p>
      )}
      <PodTable lanes={lanes} now={now} />
    </section>
  );
}

const groupOf = ({ node, zone, stage }: Lane, by: 'node' | 'stage'): string =>
  by === 'stage'
    ? stage || 'previous version'
    : node === ''
      ? 'no node yet'
      : zone
        ? `${node} (${zone})`
        : node;

interface GroupProps {
  readonly name: string;
  readonly lanes: readonly Lane[];
  readonly all: Lanes;
  readonly scale: Scale;
  readonly now: number;
}

function Group({ name, lanes, all, scale, now }: GroupProps): JSX.Element {
  return (
    <>
      <div class="label group">{name}</div>
      <svg class="group" width={scale.width} height={20} aria-hidden="true">
        <Marks lanes={all} scale={scale} height={20} />
      </svg>
      {lanes.map((lane) => (
        <LaneRow key={lane.pod} lane={lane} all={all} scale={scale} now={now} />
      ))}
    </>
  );
}

function Axis({ scale, lanes }: { scale: Scale; lanes: Lanes }): JSX.Element {
  const places = lanes.marks.map(({ at }) => scale.x(at));
  return (
    <svg class="axis" width={scale.width} height={46} aria-hidden="true">
      {ticksOf(scale).map((at) => (
        <text key={at} x={scale.x(at)} y={43} class="tick">
          {clock(at)}
        </text>
      ))}
      {lanes.marks.map(({ at, text, look }, index) => {
        const x = scale.x(at);
        // Two that are near each other stand below each other.
        const isNear = index > 0 && x - (places[index - 1] ?? 0) < MARK_WIDTH;
        const isLate = x > scale.width - MARK_WIDTH;
        return (
          <text
            key={text}
            x={isLate ? x - 4 : x + 4}
            y={isNear ? 27 : 12}
            class={`mark look-${look}`}
            text-anchor={isLate ? 'end' : 'start'}
          >
            {text} {clock(at)}
          </text>
        );
      })}
    </svg>
  );
}

/** The lines and the ground that go through all rows. */
export function Marks({ lanes, scale, height }: { lanes: Lanes; scale: Scale; height: number }): JSX.Element {
  const back = lanes.marks.find(({ of }) => of === 'fallback');
  return (
    <g>
      {back && (
        <rect
          class="fallback"
          x={scale.x(back.at)}
          y={0}
          width={scale.width - scale.x(back.at)}
          height={height}
        />
      )}
      {ticksOf(scale).map((at) => (
        <line key={at} class="grid" x1={scale.x(at)} x2={scale.x(at)} y1={0} y2={height} />
      ))}
      {lanes.marks.map(({ at, text, look }) => (
        <line key={text} class={`mark look-${look}`} x1={scale.x(at)} x2={scale.x(at)} y1={0} y2={height} />
      ))}
    </g>
  );
}

interface RowProps {
  readonly lane: Lane;
  readonly all: Lanes;
  readonly scale: Scale;
  readonly now: number;
}

function LaneRow({ lane, all, scale, now }: RowProps): JSX.Element {
  const last = lane.lives.at(-1);
  const words = last ? lastWords(last, all.periodSeconds) : '';
  return (
    <>
      <div class={`label look-${last?.look ?? 'still'}`}>
        <b title={lane.pod}>
          <span aria-hidden="true">{SYMBOLS[last?.look ?? 'still']}</span> {lane.pod}
        </b>
        <small title={words}>{words}</small>
      </div>
      <svg class="lane" width={scale.width} height={ROW} aria-hidden="true">
        <Marks lanes={all} scale={scale} height={ROW} />
        {all.isLive && <line class="now" x1={scale.x(now)} x2={scale.x(now)} y1={0} y2={ROW} />}
        {lane.lives.map((life) => (
          <LifeView key={life.uid} life={life} scale={scale} now={now} />
        ))}
      </svg>
    </>
  );
}

const WHOSE: Readonly<Record<Life['version'], string>> = {
  before: 'previous version',
  wanted: 'new version',
  restored: 'restored',
};

const SHORT: Readonly<Record<Life['version'], string>> = {
  before: 'before',
  wanted: 'new',
  restored: 'restored',
};

function lastWords(life: Life, periodSeconds: number): string {
  const { version, state, gate, words, goneAt, deadlineAt } = life;
  const parts = [
    SHORT[version],
    state === 'Serving' ? '' : state,
    goneAt === undefined ? '' : 'gone',
    words,
    gate === 'closed' && goneAt === undefined ? 'gate closed' : '',
    deadlineAt === undefined ? '' : `probed every ${periodSeconds}s`,
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

function LifeView({ life, scale, now }: { life: Life; scale: Scale; now: number }): JSX.Element {
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

const LEGEND: readonly (readonly [string, string])[] = [
  ['pull', 'pull'],
  ['start', 'start'],
  ['check', 'checked'],
  ['serve', 'serves'],
  ['failed', 'failed'],
  ['before', 'previous version'],
];

function Legend(): JSX.Element {
  return (
    <ul class="legend" aria-label="Legend">
      {LEGEND.map(([name, text]) => (
        <li key={name}>
          <svg width={18} height={10} aria-hidden="true">
            <rect class={`bar ${name === 'before' ? 'serve before' : name}`} width={18} height={10} rx={3} />
          </svg>{' '}
          {text}
        </li>
      ))}
      <li>
        <svg width={18} height={18} aria-hidden="true" class="dot">
          <g class="try class-Retry">
            <circle cx={9} cy={9} r={8} />
            <text x={9} y={12.5}>
              17
            </text>
          </g>
        </svg>{' '}
        a try, its code
      </li>
      <li>
        <svg width={10} height={10} aria-hidden="true" class="gate">
          <path d="M5,0 l5,5 l-5,5 l-5,-5z" />
        </svg>{' '}
        gate opens
      </li>
      <li>
        <svg width={10} height={10} aria-hidden="true" class="endpoint">
          <path d="M5,0 l5,9 h-10z" />
        </svg>{' '}
        first endpoint
      </li>
    </ul>
  );
}

/** The same as the picture, for who reads it with a screen reader. */
function PodTable({ lanes, now }: { lanes: Lanes; now: number }): JSX.Element {
  return (
    <div class="for-readers">
      <table>
        <caption>The pods of the attempt</caption>
        <thead>
          <tr>
            {['Pod', 'Node', 'Version', 'State', 'Last try', 'Gate', 'Deadline'].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lanes.lanes.flatMap(({ pod, node, lives }) =>
            lives.map((life) => {
              const last = life.tries.at(-1);
              return (
                <tr key={life.uid}>
                  <th scope="row">{pod}</th>
                  <td>{node}</td>
                  <td>{WHOSE[life.version]}</td>
                  <td>{`${life.state}${life.words ? `: ${life.words}` : ''}`}</td>
                  <td>{last ? `${last.check} ${last.text}, ${last.reason}, try ${last.number}` : 'none'}</td>
                  <td>{life.gate}</td>
                  <td>{life.deadlineAt === undefined ? '' : `in ${span(life.deadlineAt - now)}`}</td>
                </tr>
              );
            }),
          )}
        </tbody>
      </table>
    </div>
  );
}
