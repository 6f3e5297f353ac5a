/** Lanes: what each pod of an attempt did and does, in time, by node or by stage. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Lane, Lanes, Life, Sample } from '../src/dashboard/model.ts';
import { plural, SYMBOLS } from '../src/looks.ts';
import { LifeView, ROW, WHOSE } from './life.tsx';
import { clock, deadlineText, type Scale, scaleOf, ticksOf } from './scale.ts';
import { Traffic } from './traffic.tsx';
import { useWidth } from './width.ts';

const MARK_WIDTH = 150;

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
                  <td>{life.deadlineAt === undefined ? '' : deadlineText(life.deadlineAt - now)}</td>
                </tr>
              );
            }),
          )}
        </tbody>
      </table>
    </div>
  );
}
