/** The one vocabulary for what a single probe found, from probers to status; the four words of kubelet's `probe.Result`. */
export type ProbeResult = 'success' | 'warning' | 'failure' | 'unknown';

/** What one try of one probe found. */
export interface ProbeOutcome {
  readonly result: ProbeResult;
  /** What the application or the connection said, at most about 10 KiB. Never an HTTP body when the result is a failure. */
  readonly output: string;
  /** Set when the try itself went wrong. Kubelet repeats such a try at once, and drops the result if it stays so. */
  readonly error?: string;
  /**
   * Did the other side take the connection, or the command start? `false` means could not connect *from here* (refused, time-out, no route, no such host):
   * kubelet on the pod's node may see it otherwise. `true` makes a failure evidence about the application.
   */
  readonly reached: boolean;
}

/** Limits of a probe. */
export interface ProbeLimits {
  /** Of each try. */
  readonly timeoutMs: number;
  /** Of all tries on errors together; none when absent, as in kubelet. */
  readonly totalMs?: number;
  /** Ends the try early; its outcome is then unknown, with an error. */
  readonly signal?: AbortSignal;
}

/** Kubelet keeps this much of a body or of a command's output: the first 10 KiB. */
export const OUTPUT_LIMIT_BYTES = 10_240;

export function success(output: string): ProbeOutcome {
  return { result: 'success', output, reached: true };
}

export function failure(output: string, reached: boolean): ProbeOutcome {
  return { result: 'failure', output, reached };
}

/** No verdict, because the probe could not be made. */
export function unknown(error: string, reached = false): ProbeOutcome {
  return { result: 'unknown', output: '', error, reached };
}

/** The first `limitBytes` bytes of the text as UTF-8; a character cut in two is left out. */
export function firstBytes(text: string, limitBytes: number): string {
  if (Buffer.byteLength(text) <= limitBytes) {
    return text;
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.from(text).subarray(0, limitBytes), {
    stream: true,
  });
}
