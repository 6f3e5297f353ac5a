/** Queries the administrator's Prometheus. Responses are limited in size and time, and an error is not evidence. */
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { cut } from '../api/cut.ts';
import { printableLine } from '../api/printable.ts';
import type { PromQl, QueryAnswer } from '../engine/ports.ts';

export interface PrometheusOptions {
  readonly url: string;
  /** File with the bearer token, read for each query, because tokens are rotated. */
  readonly tokenFile?: string | undefined;
  /** File with the CA certificates that its certificate is verified with. */
  readonly caFile?: string | undefined;
}

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 1024 * 1024;
const MAX_VALUES = 1000;

const MAX_MESSAGE = 500;

/** A message may repeat the query, and so anything that the author of an Upgrade wrote. */
const failed = (message: string): QueryAnswer => ({
  kind: 'failed',
  message: printableLine(cut(message, MAX_MESSAGE)),
});

export const prometheus = (options: PrometheusOptions, timeoutMs = TIMEOUT_MS): PromQl => ({
  query: async (expression, signal) => {
    try {
      return decodeAnswer(await post({ ...options, timeoutMs }, expression, signal));
    } catch (error) {
      return failed(error instanceof Error ? error.message : String(error));
    }
  },
});

interface Reply {
  readonly status: number;
  readonly body: string;
}

function post(
  { url, tokenFile, caFile, timeoutMs }: PrometheusOptions & { readonly timeoutMs: number },
  expression: string,
  signal: AbortSignal,
): Promise<Reply> {
  const target = new URL(`${url.replace(/\/+$/, '')}/api/v1/query`);
  const body = new URLSearchParams({ query: expression, timeout: `${timeoutMs / 1000}s` }).toString();
  const isSecure = target.protocol === 'https:';
  const headers: Record<string, string | number> = {
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': Buffer.byteLength(body),
    accept: 'application/json',
    ...(tokenFile ? { authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}` } : {}),
  };
  const ca = isSecure && caFile ? readFileSync(caFile) : undefined;
  const limit = AbortSignal.timeout(timeoutMs);
  return new Promise((resolve, reject) => {
    // Node.js reports every aborted request in the same words.
    const fail = (error: unknown): void =>
      reject(limit.aborted ? new Error(`no response within ${timeoutMs / 1000} s`) : error);
    const outgoing = (isSecure ? requestHttps : requestHttp)(target, {
      ...{ method: 'POST', headers, agent: false, ca },
      signal: AbortSignal.any([signal, limit]),
    });
    outgoing.on('error', fail);
    outgoing.on('response', (response) => read(response).then(resolve, fail));
    outgoing.end(body);
  });
}

async function read(response: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BYTES) {
      response.destroy();
      throw new Error(`the response is longer than ${MAX_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') };
}

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

/** Decodes a response. An error message is reported only if it comes from Prometheus itself. */
export function decodeAnswer({ status, body }: Reply): QueryAnswer {
  const answer = parse(body);
  if (!isObject(answer) || (answer['status'] !== 'success' && answer['status'] !== 'error')) {
    return failed(`the response is not from Prometheus (HTTP status ${status})`);
  }
  if (answer['status'] === 'error') {
    return failed(`${answer['errorType']}: ${answer['error']}`);
  }
  const data = answer['data'];
  return isObject(data) ? decodeResult(data) : failed('the response has no data');
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function decodeResult({ resultType, result }: Json): QueryAnswer {
  if (resultType === 'scalar') {
    return { kind: 'values', values: [numberOf(result)] };
  }
  if (resultType !== 'vector' || !Array.isArray(result)) {
    return failed(`the query returns a ${resultType}: it must return an instant vector or a scalar`);
  }
  return result.length > MAX_VALUES
    ? failed(`the query returns ${result.length} series, more than ${MAX_VALUES}: aggregate them`)
    : { kind: 'values', values: result.map((one) => numberOf(isObject(one) ? one['value'] : undefined)) };
}

/** Returns the value of a sample `[time, "value"]`; `NaN` if it is not a sample. */
function numberOf(sample: unknown): number {
  const value: unknown = Array.isArray(sample) ? sample[1] : undefined;
  if (value === '+Inf' || value === '-Inf') {
    return value === '+Inf' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  }
  return typeof value === 'string' && value !== '' ? Number(value) : Number.NaN;
}
