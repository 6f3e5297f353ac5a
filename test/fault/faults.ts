/** What can happen to one request between the operator and the API server, by name. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, type Exchange, type Fault, pass } from './proxy.ts';

const json = { 'content-type': 'application/json' };
const statusOf = (code: number, message: string): string =>
  JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code });

export const refusal = (
  status: number,
  message = 'made up by the test',
  headers: Readonly<Record<string, string>> = {},
): Answer => ({ status, headers: { ...json, ...headers }, body: statusOf(status, message) });

/** Not done, and the connection lost. */
export const lostBefore: Fault = ({ cut }) => cut();
/** Done, and the connection lost before the answer. */
export const lostAfter: Fault = async ({ forward, cut }) => {
  await forward();
  cut();
};
/** Done, and the connection lost in the middle of the answer. */
export const lostAmid: Fault = async ({ forward, begin, cut }) => {
  const { status, body } = await forward();
  begin(status).write(body.slice(0, body.length / 2));
  await sleep(20);
  cut();
};
/** Not done, and never answered. */
export const unanswered: Fault = () => {};
/** Done, and never answered. */
export const doneUnanswered: Fault = ({ forward }) => forward();
/** Done by and by. */
export const lateBefore =
  (ms: number): Fault =>
  async (exchange) => {
    await sleep(ms);
    await pass(exchange);
  };
/** Done at once, and answered late. */
export const lateAfter =
  (ms: number): Fault =>
  async ({ forward, reply }) => {
    const answer = await forward();
    await sleep(ms);
    reply(answer);
  };
/** Done twice, as a proxy does that tries again by itself; the second answer comes back. */
export const doneTwice: Fault = async ({ forward, reply }) => {
  await forward();
  reply(await forward());
};
/** Not done, and refused. */
export const refused =
  (answer: Answer): Fault =>
  ({ reply }) =>
    reply(answer);
/** Done, and refused all the same. */
export const doneThenRefused =
  (answer: Answer): Fault =>
  async ({ forward, reply }) => {
    await forward();
    reply(answer);
  };
/** Done, and its answer changed on the way. */
export const corrupted =
  (change: (body: string) => string): Fault =>
  async ({ forward, reply }) => {
    const answer = await forward();
    reply({ ...answer, body: change(answer.body) });
  };
/** Done, and its answer comes so slowly. */
export const trickled =
  (bytes: number, everyMs: number): Fault =>
  async ({ forward, begin }) => {
    const { status, headers, body } = await forward();
    const out = begin(status, headers);
    const whole = Buffer.from(body);
    for (let at = 0; at < whole.length; at += bytes) {
      out.write(whole.subarray(at, at + bytes));
      await sleep(everyMs);
    }
    out.end();
  };

export const BAD_GATEWAY: Answer = {
  status: 502,
  headers: { 'content-type': 'text/html' },
  body: '<html><head><title>502 Bad Gateway</title></head><body>secret-of-the-proxy</body></html>',
};

/** A reset discards what the client has not read yet: a busy one must have the time to read, or it can make no progress at all. */
const RESET_AFTER_MS = 250;

/** Ways in which a watch ends. Each is told after so many changes (bookmarks not counted). */
export type WatchEnd =
  | 'eof'
  | 'reset'
  | 'half a line'
  | 'garbage'
  | 'ERROR 410'
  | 'ERROR 500'
  | 'ERROR of no kind';

const LAST_WORDS: Readonly<Partial<Record<WatchEnd, string>>> = {
  'half a line': '{"type":"MODIFIED","object":{"metad',
  garbage: '\u0000\u0001<html>\n{{{{\n',
  'ERROR 410': `{"type":"ERROR","object":${statusOf(410, 'too old resource version')}}\n`,
  'ERROR 500': `{"type":"ERROR","object":${statusOf(500, 'etcdserver: leader changed')}}\n`,
  'ERROR of no kind': '{"type":"ERROR","object":null}\n',
};

/** A watch that passes on what there is, then so many lines, and then ends like this. */
export const watchEnds =
  (end: WatchEnd, lines: number): Fault =>
  async (exchange) => {
    const incoming = await exchange.open();
    void exchange.ended.then(() => incoming.destroy());
    const out = exchange.begin(incoming.statusCode ?? 502);
    let left = lines;
    let rest = '';
    let listing = exchange.sent.path.includes('sendInitialEvents');
    for await (const chunk of incoming.setEncoding('utf8')) {
      const pieces = (rest + chunk).split('\n');
      rest = pieces.pop() ?? '';
      for (const line of pieces) {
        out.write(`${line}\n`);
        left -= listing ? 0 : 1;
        listing &&= !line.includes('initial-events-end');
        if (left === 0) {
          finish(exchange, out, end);
          incoming.destroy();
          return;
        }
      }
    }
    out.end();
  };

function finish({ cut }: Exchange, out: ReturnType<Exchange['begin']>, end: WatchEnd): void {
  out.write(LAST_WORDS[end] ?? '');
  if (end === 'reset') {
    // A reset takes away what has not been read yet: at once, nothing would ever come through.
    setTimeout(cut, RESET_AFTER_MS);
  } else {
    out.end();
  }
}

/** A watch whose lines come several times each, as after a reconnect that began too early. */
export const watchRepeats: Fault = async (exchange) => {
  const incoming = await exchange.open();
  void exchange.ended.then(() => incoming.destroy());
  const out = exchange.begin(incoming.statusCode ?? 502);
  let rest = '';
  for await (const chunk of incoming.setEncoding('utf8')) {
    const pieces = (rest + chunk).split('\n');
    rest = pieces.pop() ?? '';
    for (const line of pieces) {
      out.write(`${line}\n${line}\n`);
    }
  }
  out.end();
};
