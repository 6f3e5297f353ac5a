/** Loaded into the operator's process before its program (`node --import`): tells its parent how late its event loop was, and begins anew. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 10;

export interface LoopLag {
  readonly p99Ms: number;
  readonly maxMs: number;
}

const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delays.enable();

/** The histogram counts its own interval as delay. */
const beyond = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);

process.on('message', () => {
  const lag: LoopLag = { p99Ms: beyond(delays.percentile(99)), maxMs: beyond(delays.max) };
  process.send?.(lag);
  delays.reset();
});
// A bench that was interrupted leaves no operator behind.
process.once('disconnect', () => process.exit());
process.channel?.unref();
