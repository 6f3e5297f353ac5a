/** The result of a single probe: the four values of kubelet's `probe.Result`. */
export type ProbeResult = 'success' | 'warning' | 'failure' | 'unknown';

/** The outcome of one try of one probe. */
export interface ProbeOutcome {
  readonly result: ProbeResult;
  /** Output of the application or the connection, at most about 10 KiB. Never an HTTP body if the result is a failure. */
  readonly output: string;
  /** Set if the try itself failed. Kubelet repeats such a try at once, and drops the result if it fails again. */
  readonly error?: string;
  /**
   * Whether the peer accepted the connection, or the command started. `false` means no connection *from here* (refused, timeout, no route, no such
   * host): kubelet on the pod's node may get one. `true` makes a failure evidence about the application.
   */
  readonly reached: boolean;
}

/** Limits of a probe. */
export interface ProbeLimits {
  /** Limit of each try. */
  readonly timeoutMs: number;
  /** Limit of all tries after errors together; none if absent, as in kubelet. */
  readonly totalMs?: number;
  /** Ends the try early; its result is then unknown, with an error. */
  readonly signal?: AbortSignal;
}

/** Kubelet keeps the first 10 KiB of a body or of a command's output. */
export const OUTPUT_LIMIT_BYTES = 10_240;

export function success(output: string): ProbeOutcome {
  return { result: 'success', output, reached: true };
}

export function failure(output: string, reached: boolean): ProbeOutcome {
  return { result: 'failure', output, reached };
}

/** Returns an unknown result, because the probe could not be run. */
export function unknown(error: string, reached = false): ProbeOutcome {
  return { result: 'unknown', output: '', error, reached };
}

/** Returns the first `limitBytes` bytes of the text as UTF-8, without a partial character. */
export function firstBytes(text: string, limitBytes: number): string {
  if (Buffer.byteLength(text) <= limitBytes) {
    return text;
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.from(text).subarray(0, limitBytes), {
    stream: true,
  });
}
