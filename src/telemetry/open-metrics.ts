/** Exposes the metrics in the OpenMetrics format. */
import { type Metric, type OpenMetricsContentType, Registry } from 'prom-client';

/** The part of a metric that a registry reads. */
interface ReadableMetric {
  readonly name: string;
  readonly get: () => Promise<{ readonly name: string; readonly type: unknown }>;
  readonly getForPromString?: ReadableMetric['get'];
}

/**
 * In OpenMetrics a counter's family has no `_total`, but its samples do. prom-client removes it from the metric itself, permanently and in every registry,
 * so it gets a view whose name it may change.
 */
function openMetricsView(metric: ReadableMetric): Metric {
  const get = async () => {
    const read = await (metric.getForPromString?.() ?? metric.get());
    const isCounter = read.type === 'counter';
    return isCounter ? { ...read, name: read.name.replace(/_total$/, '') } : read;
  };
  return { name: metric.name, get, getForPromString: get } as unknown as Metric;
}

/** Returns a registry with the same metrics for OpenMetrics, because a registry has one format. */
export function openMetricsOf(registry: Registry): Registry<OpenMetricsContentType> {
  const openMetrics = new Registry<OpenMetricsContentType>();
  openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  for (const metric of registry.getMetricsAsArray()) {
    openMetrics.registerMetric(openMetricsView(metric as unknown as ReadableMetric));
  }
  return openMetrics;
}
