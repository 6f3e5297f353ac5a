/** Plays a story in virtual time, with or without faults, and gives what came of it. */
import type { OperatorEvent } from '../../src/engine/ports.ts';
import { VirtualClock } from './clock.ts';
import { isLive, isReady } from './controllers.ts';
import { type Cut, type Fault, type Faults, Operator, type WriteRecord } from './operator.ts';
import { Oracle } from './oracle.ts';
import { addUpgrade, type Story, specOf } from './story.ts';
import { type Remembered, remembered } from './telemetry.ts';
import { World } from './world.ts';

/** The cluster is made and its old version runs before the operator comes. */
const BOOT_MS = 8000;
const START = Date.parse('2026-01-01T00:00:00.350Z');
/** After the last thing that happened, mere progress and counts may still be stored; then nothing more. */
const CALM_MS = 95_000;

export interface RunOptions {
  readonly seed?: number;
  readonly faults?: Faults;
  /** Between the death of a process and the start of the next. */
  readonly pauseMs?: number;
  /** Caches lag on purpose. */
  readonly stale?: boolean;
  /** Operators that lead at the same time. */
  readonly operators?: number;
  /** Something done to the world during the run besides the story's own steps. */
  readonly disturb?: (run: Stage) => void;
}

/** What a disturbance can reach. */
export interface Stage {
  readonly world: World;
  readonly operators: Operator[];
  readonly startOperator: () => Operator;
}

/** What counts as the same end. */
export interface Completion {
  readonly phase: string;
  readonly outcomes: readonly string[];
  readonly reason: string;
  readonly fallback: string;
  readonly images: Readonly<Record<string, string>>;
  readonly pods: readonly string[];
  readonly gating: boolean;
}

export interface Run {
  readonly ending: Completion;
  readonly message: string;
  readonly world: World;
  readonly writes: readonly WriteRecord[];
  readonly events: readonly OperatorEvent[];
  readonly memory: Remembered;
  readonly violations: readonly string[];
  /** Seconds from the operator's first start to the end of the last attempt; NaN if it did not end. */
  readonly tookSeconds: number;
  /** Seconds from the attempt's start to the record of its fallback; NaN without one. */
  readonly fellBackAfterSeconds: number;
  readonly timeline: readonly string[];
  readonly deaths: number;
}

/** One run under way. */
class Playing implements Stage {
  readonly story: Story;
  readonly options: RunOptions;
  readonly clock: VirtualClock;
  readonly world: World;
  readonly oracle: Oracle;
  readonly writes: WriteRecord[] = [];
  readonly events: OperatorEvent[] = [];
  readonly memory = remembered();
  readonly operators: Operator[] = [];
  deaths = 0;
  startedAt = START + BOOT_MS;
  #lastChangeAt = 0;

  constructor(story: Story, options: RunOptions) {
    this.story = story;
    this.options = options;
    this.clock = new VirtualClock(START, options.seed ?? 1);
    this.world = new World(this.clock, story.images);
    this.oracle = new Oracle({ world: this.world, story, stale: options.stale ?? false });
  }

  startOperator(): Operator {
    const { world, writes, events, memory, oracle, options, clock } = this;
    const operator: Operator = new Operator({
      world,
      id: this.operators.length + 1,
      faults: options.faults ?? {},
      memory,
      writes,
      events,
      sent: (write) => oracle.sent(write),
      wrote: (write, before, after) => oracle.wrote(write, before, after),
      died: () => {
        this.deaths++;
        clock.after(options.pauseMs ?? 3000, () => this.startOperator());
      },
    });
    this.operators.push(operator);
    operator.lead();
    return operator;
  }

  async boot(): Promise<void> {
    const { world, story } = this;
    world.gatePolicy.installed = story.gatePolicyInstalled ?? true;
    world.addNodes(...(story.nodes ?? ['node-1', 'node-2', 'node-3']));
    world.addWorkload(story.workload);
    story.arrange?.(world);
    await this.clock.runUntil(this.startedAt, () => {});
    world.state.onChange(({ kind }) => {
      if (kind !== 'Upgrade') {
        this.#lastChangeAt = this.clock.now();
      }
    });
  }

  async go(): Promise<void> {
    const { world, story, options, clock, oracle } = this;
    addUpgrade(world, 'web', specOf(story));
    for (let i = 0; i < (options.operators ?? 1); i++) {
      this.startOperator();
    }
    options.disturb?.(this);
    const steps = [...(story.steps ?? [])];
    // Steps that wait for time alone need something to happen.
    const tick = (): void => void (steps.length > 0 && clock.after(5000, tick));
    tick();
    await clock.runUntil(this.startedAt + (story.minutes ?? 30) * 60_000, () => {
      const step = steps[0];
      if (!step?.when(world)) {
        return;
      }
      steps.shift();
      this.#lastChangeAt = clock.now();
      step.act(world);
    });
    if (steps.length > 0) {
      oracle.violations.push(`story: ${steps.length} steps never came about`);
    }
  }

  /** When the last attempt ended; NaN if it has not. */
  get endedAt(): number {
    return Date.parse(this.world.upgrade()?.status?.attempt?.end?.at ?? '');
  }

  judge(): void {
    const { world, oracle, writes, operators, memory } = this;
    const atRest = !Number.isNaN(this.endedAt) || world.upgrade() === undefined;
    oracle.finish(
      writes,
      atRest ? Math.max(this.#lastChangeAt, this.endedAt || 0) + CALM_MS : Number.POSITIVE_INFINITY,
    );
    for (const { mostInContainer } of operators) {
      if (mostInContainer > 1) {
        oracle.violations.push(`exec: ${mostInContainer} commands ran in one container at once`);
      }
    }
    for (const error of memory.errors) {
      oracle.violations.push(`error: ${error}`);
    }
  }
}

export async function play(story: Story, options: RunOptions = {}): Promise<Run> {
  const playing = new Playing(story, options);
  await playing.boot();
  await playing.go();
  playing.judge();
  const { world, writes, events, memory, oracle, startedAt, deaths } = playing;
  const { attempt, fallback, message = '' } = world.upgrade()?.status ?? {};
  return {
    ending: endingOf(world, story),
    message,
    world,
    writes,
    events,
    memory,
    violations: oracle.violations,
    tookSeconds: (playing.endedAt - startedAt) / 1000,
    fellBackAfterSeconds:
      (Date.parse(fallback?.startedAt ?? '') - Date.parse(attempt?.startedAt ?? '')) / 1000,
    timeline: writes.map((write) => line(write, startedAt)),
    deaths,
  };
}

const line = ({ number, at, kind, what, result, fault, operator }: WriteRecord, startedAt: number): string =>
  `${((at - startedAt) / 1000).toFixed(3).padStart(9)}s  #${number} ${kind}${fault ? ` [${fault}]` : ''} ${result === 'ok' ? '' : `(${result}) `}by ${operator}: ${what}`;

function endingOf(world: World, story: Story): Completion {
  const { status } = world.upgrade() ?? {};
  const workload = world.workload(story.workload.kind, story.workload.name);
  const pods = workload ? world.podsOf(workload) : [];
  return {
    phase: status?.phase ?? '-',
    outcomes: (status?.history ?? []).map(({ attempt, outcome }) => `${attempt} ${outcome}`),
    reason: status?.attempt?.end?.reason ?? '-',
    fallback: status?.fallback ? `${status.fallback.state} ${status.fallback.verified ?? '-'}` : '-',
    images: Object.fromEntries((workload?.containers ?? []).map(({ name, image }) => [name, image])),
    pods: pods
      .filter(isLive)
      .map(
        (pod) =>
          `${pod.containers.map(({ image }) => image).join('+')} ${isReady(pod) ? 'serves' : 'does not serve'}`,
      )
      .sort(),
    gating: status?.attempt?.gating ?? false,
  };
}

/** Faults that do one thing to one write. */
export const cutAt = (number: number, fault: Cut | Fault): Faults => ({
  write: (record) => (record.number === number ? fault : undefined),
});
