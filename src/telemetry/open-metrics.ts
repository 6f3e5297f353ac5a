/** The same metrics in the format OpenMetrics. */
import { type Metric, type OpenMetricsContentType, Registry } from 'prom-client';

/** What a registry reads of a metric. */
interface ReadableMetric {
  readonly name: string;
  readonly get: () => Promise<{ readonly name: string; readonly type: unknown }>;
  readonly getForPromString?: ReadableMetric['get'];
}

/**
 * In OpenMetrics a counter's family has no `_total`, its samples do. prom-client takes it off the metric itself, for good and in every registry: it gets
 * a view whose name it may change.
 */
function openMetricsView(metric: ReadableMetric): Metric {
  const get = async () => {
    const read = await (metric.getForPromString?.() ?? metric.get());
    const isCounter = read.type === 'counter';
    return isCounter ? { ...read, name: read.name.replace(/_total$/, '') } : read;
  };
  return { name: metric.name, get, getForPromString: get } as unknown as Metric;
}

/** A registry with the metrics of `registry` in OpenMetrics: a registry knows one format. */
export function openMetricsOf(registry: Registry): Registry<OpenMetricsContentType> {
  const openMetrics = new Registry<OpenMetricsContentType>();
  openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  for (const metric of registry.getMetricsAsArray()) {
    openMetrics.registerMetric(openMetricsView(metric as unknown as ReadableMetric));
  }
  return openMetrics;
}
