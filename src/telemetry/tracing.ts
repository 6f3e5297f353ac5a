/** Sends spans to an OpenTelemetry collector by OTLP over HTTP. Loaded only with `--otlp-endpoint`; nothing ever waits for it. */
import { type Attributes, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { ExportResultCode, millisToHrTime } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace';
import type { Log, Span } from '../engine/telemetry-ports.ts';

/** Minimum interval between log lines about an unavailable collector. */
const LOG_INTERVAL_MS = 60_000;
/** How long a shutdown waits for the collector. */
const STOP_MS = 2000;
/** Limit of the spans that wait for the collector; further ones are dropped. */
const QUEUE_SPANS = 4096;

export interface TracingOptions {
  /** Base address of the collector, such as `http://collector:4318`. */
  readonly endpoint: string;
  readonly version: string;
  readonly instance: string;
  readonly log: Log;
}

export interface Tracing {
  /** Queues a span; never throws or waits. */
  ended(span: Span): void;
  /** Sends the queued spans, if the collector accepts them in time. */
  stop(): Promise<void>;
}

export function startTracing({ endpoint, version, instance, log }: TracingOptions): Tracing {
  const processor = new BatchSpanProcessor({
    exporter: reporting(new OTLPTraceExporter({ url: tracesUrl(endpoint), timeoutMillis: 5000 }), {
      endpoint,
      log,
    }),
    maxQueueSize: QUEUE_SPANS,
    scheduledDelayMillis: 1000,
  });
  const resource = resourceFromAttributes({
    'service.name': 'postcheck',
    'service.version': version,
    'service.instance.id': instance,
  });
  return {
    ended: (span) => processor.onEnd({ ...readable(span), resource }),
    stop: async () => {
      const flushed = processor.shutdown().catch(() => undefined);
      await Promise.race([flushed, new Promise((resolve) => setTimeout(resolve, STOP_MS).unref())]);
    },
  };
}

/** Returns the exporter with a log line if it cannot export. */
function reporting(
  exporter: OTLPTraceExporter,
  { endpoint, log }: Pick<TracingOptions, 'endpoint' | 'log'>,
): SpanExporter {
  let nextLogAt = 0;
  return {
    export: (spans, done) =>
      exporter.export([...spans], (result) => {
        if (result.code !== ExportResultCode.SUCCESS && performance.now() >= nextLogAt) {
          nextLogAt = performance.now() + LOG_INTERVAL_MS;
          log.warn('cannot export spans', {
            endpoint,
            spans: spans.length,
            error: result.error?.message,
          });
        }
        done(result);
      }),
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  };
}

/** Appends the path of the signal, as specified for OTEL_EXPORTER_OTLP_ENDPOINT. */
export const tracesUrl = (endpoint: string): string => `${endpoint.replace(/\/+$/, '')}/v1/traces`;

function readable({ traceId, spanId, parentSpanId, ...span }: Span): Omit<ReadableSpan, 'resource'> {
  const context = (id: string) => ({ traceId, spanId: id, traceFlags: TraceFlags.SAMPLED });
  const { failure } = span;
  return {
    name: span.name,
    kind: SpanKind.INTERNAL,
    spanContext: () => context(spanId),
    ...(parentSpanId === undefined ? {} : { parentSpanContext: context(parentSpanId) }),
    startTime: millisToHrTime(span.startedAt),
    endTime: millisToHrTime(span.endedAt),
    duration: millisToHrTime(span.endedAt - span.startedAt),
    status:
      failure === undefined ? { code: SpanStatusCode.OK } : { code: SpanStatusCode.ERROR, message: failure },
    attributes: span.attributes as Attributes,
    links: [],
    events: [],
    ended: true,
    instrumentationScope: { name: 'postcheck' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}
