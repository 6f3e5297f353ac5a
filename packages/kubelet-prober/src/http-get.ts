/** The httpGet probe. */
import { readBody } from './body.ts';
import { Deadline } from './deadline.ts';
import { type Answer, exchange, type NoAnswer } from './exchange.ts';
import { buildRequest, headerLines, type ProbeHeaders, type ProbeRequest } from './http-request.ts';
import { failure, type ProbeLimits, type ProbeOutcome, success, unknown } from './result.ts';
import type { HttpGetAction, ProbeTarget } from './spec.ts';
import { hostnameOf, type ProbeUrl, parseUrl, resolveUrl, urlText } from './url.ts';

const MAX_REQUESTS = 10;
/** A longer Location is a failure: most servers reject a request line of that length anyway. */
const LONGEST_LOCATION = 8192;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * Runs an httpGet probe like kubelet: 200–299 is success, 400 and above is failure. Redirects to the same host name are followed, on any port, up to
 * ten requests in total; a redirect to another host is not followed and counts as a warning, which passes. Certificates are not verified, proxies are
 * not used, and connections are not kept. The limit covers everything from connecting to the last byte read. The outcome of a failure does not
 * contain the body (kubernetes#99425).
 */
export async function probeHttpGet(
  action: HttpGetAction,
  target: ProbeTarget,
  limits: ProbeLimits,
): Promise<ProbeOutcome> {
  const built = buildRequest(action, target);
  if (!built.ok) {
    return unknown(built.error);
  }
  const deadline = new Deadline(limits.timeoutMs, limits.signal);
  try {
    const outcome = await follow(built.request, deadline);
    return deadline.aborted ? unknown('aborted') : outcome;
  } finally {
    deadline.dispose();
  }
}

/** One request of the chain of redirects. */
interface Hop {
  readonly url: ProbeUrl;
  /** The value of the user's Host header; empty if there is none (any more). */
  readonly host: string;
  /** URL of the previous request. */
  readonly referer?: string;
}

async function follow({ url, headers }: ProbeRequest, deadline: Deadline): Promise<ProbeOutcome> {
  let hop: Hop = { url, host: headers.get('Host')?.[0] ?? '' };
  for (let requests = 1; ; requests++) {
    const answer = await ask(hop, headers, deadline);
    if (answer.kind === 'failed') {
      return failed(hop, answer.why, answer.reached || requests > 1);
    }
    if (answer.location.length > LONGEST_LOCATION) {
      answer.close();
      return failed(hop, `the Location header is longer than ${LONGEST_LOCATION} bytes`, true);
    }
    // node:http decodes headers as Latin-1.
    const location = Buffer.from(answer.location, 'latin1').toString('utf8');
    const next = nextHop(hop, answer.status, location);
    if (next === undefined || (next !== 'unreadable' && hostnameOf(next.url) !== hostnameOf(url))) {
      return judge(answer, deadline);
    }
    answer.close();
    if (next === 'unreadable') {
      return failed(hop, `failed to parse Location header ${JSON.stringify(location)}`, true);
    }
    if (requests >= MAX_REQUESTS) {
      return failed(hop, `stopped after ${MAX_REQUESTS} redirects`, true);
    }
    hop = next;
  }
}

async function ask(hop: Hop, headers: ProbeHeaders, deadline: Deadline): Promise<Answer | NoAnswer> {
  const lines = headerLines(withRedirectHeaders(headers, hop), hop.host || hop.url.host);
  if (lines === undefined) {
    return { kind: 'failed', reached: false, why: 'a header has a name or value that cannot be sent' };
  }
  return exchange(hop.url, lines, deadline);
}

function failed(hop: Hop, why: string, reached: boolean): ProbeOutcome {
  return failure(`Get "${urlText(hop.url)}": ${why}`, reached);
}

function nextHop(hop: Hop, status: number, location: string): Hop | 'unreadable' | undefined {
  if (!REDIRECTS.has(status) || location === '') {
    return undefined;
  }
  const url = resolveUrl(hop.url, location);
  if (url === undefined) {
    return 'unreadable';
  }
  const keepsHost = parseUrl(location)?.scheme === '' && hop.host !== hop.url.host;
  const fromSecureToPlain = hop.url.scheme === 'https' && url.scheme === 'http';
  return {
    url,
    host: keepsHost ? hop.host : '',
    ...(fromSecureToPlain ? {} : { referer: urlText(hop.url) }),
  };
}

function withRedirectHeaders(headers: ProbeHeaders, hop: Hop): ProbeHeaders {
  const all = new Map(headers);
  if (hop.referer !== undefined && !all.get('Referer')?.[0]) {
    all.set('Referer', [hop.referer]);
  }
  if (hop.url.userInfo !== undefined && !all.get('Authorization')?.[0]) {
    const [user, password = ''] = hop.url.userInfo.split(/:(.*)/s).map(unescaped);
    all.set('Authorization', [`Basic ${Buffer.from(`${user}:${password}`, 'latin1').toString('base64')}`]);
  }
  return all;
}

function unescaped(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
}

async function judge(answer: Answer, deadline: Deadline): Promise<ProbeOutcome> {
  const body = await readBody(answer.body, deadline);
  answer.close();
  if (!body.ok) {
    return { ...failure('', true), error: body.why };
  }
  if (answer.status >= 200 && answer.status < 300) {
    return success(body.text);
  }
  if (answer.status >= 300 && answer.status < 400) {
    return {
      result: 'warning',
      output: `Probe terminated redirects, Response body: ${body.text}`,
      reached: true,
    };
  }
  return failure(`HTTP probe failed with statuscode: ${answer.status}`, true);
}
