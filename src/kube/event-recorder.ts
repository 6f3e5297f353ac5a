/** Records events in events.k8s.io. */
import type { ObjectReference, OperatorEvent } from '../engine/ports.ts';
import { RESOURCES } from './client/paths.ts';
import type { Answer, ApiRequest } from './client/request.ts';
import { eventBody } from './objects/event.ts';
import { EventCorrelator, type Series } from './objects/event-correlator.ts';
import { microTime } from './objects/micro-time.ts';

export interface EventRecorderOptions {
  /** The operator's pod name, as the reporting instance. */
  readonly identity: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly send: (request: ApiRequest) => Promise<Answer>;
}

/** Records events about any object, rate-limited and aggregated. Lost events are not retried. */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #correlator = new EventCorrelator();
  #last = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  async record(regarding: ObjectReference, event: OperatorEvent): Promise<void> {
    const write = this.#correlator.correlate(regarding, event, performance.now());
    if (write?.kind === 'create') {
      await this.#create(regarding, { ...event, note: write.note }, write.series);
    } else if (write?.series.name !== undefined) {
      await this.#count(regarding.namespace, write.series.name, write.series);
    }
  }

  async #create(regarding: ObjectReference, event: OperatorEvent, series: Series): Promise<void> {
    const { identity, send } = this.#options;
    const body = eventBody(regarding, event, { identity, now: this.#uniqueTime() });
    const answer = await send({
      method: 'POST',
      target: { resource: RESOURCES.Event, namespace: regarding.namespace },
      body,
    });
    if (answer.ok) {
      series.name = body.metadata.name;
    } else {
      endSeries(series);
    }
  }

  /** No two events get the same time, so that they are shown in the order in which they were recorded, whatever the order of the requests. */
  #uniqueTime(): number {
    this.#last = Math.max(this.#options.now(), this.#last + 1);
    return this.#last;
  }

  async #count(namespace: string, name: string, series: Series): Promise<void> {
    const { now, send } = this.#options;
    const answer = await send({
      method: 'PATCH',
      target: { resource: RESOURCES.Event, namespace, name },
      patchType: 'application/merge-patch+json',
      body: { series: { count: series.count, lastObservedTime: microTime(now()) } },
    });
    if (!answer.ok) {
      endSeries(series);
    }
  }
}

/** The event was not created, or was deleted meanwhile: the next one starts a new series. */
function endSeries(series: Series): void {
  series.lastAt = Number.NEGATIVE_INFINITY;
}
