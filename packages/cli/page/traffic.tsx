/** Traffic: how many pods took it, over the same time as the lanes, and whether they were verified. */
import type { JSX } from 'preact';
import type { Lanes, Sample } from '../src/dashboard/model.ts';
import { plural } from '../src/looks.ts';
import { Marks } from './lanes.tsx';
import { clock, type Scale } from './scale.ts';

const HEIGHT = 72;

const KINDS = ['before', 'verified', 'unverified'] as const;
type Kind = (typeof KINDS)[number];

interface TrafficProps {
  readonly samples: readonly Sample[] | undefined;
  readonly lanes: Lanes;
  readonly scale: Scale;
  readonly now: number;
}

export function Traffic({ samples = [], lanes, scale, now }: TrafficProps): JSX.Element {
  const most = Math.max(1, ...samples.map(total));
  const end = Math.min(now, scale.to);
  const last = samples.at(-1);
  const first = samples[0];
  return (
    <>
      <div class="label traffic">
        <b>Traffic</b>
        <small>{last ? words(last) : 'no Service selects these pods, or you cannot read endpoints'}</small>
        {first && <small>{verdict(samples)}</small>}
      </div>
      <svg
        class="traffic"
        width={scale.width}
        height={HEIGHT}
        role="img"
        aria-label={last ? `${words(last)}. ${verdict(samples)}` : 'no endpoints'}
      >
        <Marks lanes={lanes} scale={scale} height={HEIGHT} />
        {KINDS.map((kind) => (
          <path key={kind} class={kind} d={area(samples, kind, { scale, most, end })} />
        ))}
        {first && first.at > lanes.from + 2000 && (
          <text
            class="quiet"
            x={Math.max(4, scale.x(first.at) - 6)}
            y={HEIGHT / 2}
            text-anchor={scale.x(first.at) > 150 ? 'end' : 'start'}
          >
            not watched before
          </text>
        )}
        <text class="tick" x={4} y={12}>
          {most}
        </text>
      </svg>
    </>
  );
}

const total = ({ before, verified, unverified }: Sample): number => before + verified + unverified;

function words({ before, verified, unverified }: Sample): string {
  const parts = [
    verified > 0 ? `${verified} verified` : '',
    before > 0 ? `${before} of the previous version` : '',
    unverified > 0 ? `${unverified} UNVERIFIED` : '',
  ].filter((part) => part !== '');
  return `${plural(before + verified + unverified, 'pod')} in the endpoints${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`;
}

function verdict(samples: readonly Sample[]): string {
  const bad = samples.find(({ unverified }) => unverified > 0);
  return bad
    ? `An unverified pod got traffic, first at ${clock(bad.at)}`
    : `No unverified pod got traffic since ${clock(samples[0]?.at ?? 0)}`;
}

/** What lies below and including that kind, in steps. */
const upTo = (sample: Sample, kind: Kind): number =>
  KINDS.slice(0, KINDS.indexOf(kind) + 1).reduce((sum, one) => sum + sample[one], 0);

function area(
  samples: readonly Sample[],
  kind: Kind,
  { scale, most, end }: { scale: Scale; most: number; end: number },
): string {
  const y = (pods: number): number => Math.round((HEIGHT - 4 - (pods / most) * (HEIGHT - 18)) * 10) / 10;
  return samples
    .map((sample, index) => {
      const from = Math.max(0, scale.x(sample.at));
      const to = Math.max(from, scale.x(samples[index + 1]?.at ?? end));
      const top = upTo(sample, kind);
      return sample[kind] === 0
        ? ''
        : `M${from},${y(top - sample[kind])}V${y(top)}H${to}V${y(top - sample[kind])}z`;
    })
    .join('');
}
