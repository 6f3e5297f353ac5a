/** `logs`: prints the log of all pods of the operator as lines for people, for one Upgrade or all. */

import { own } from '../../../../src/api/own.ts';
import { spanText } from '../../../../src/core/time.ts';
import { record, text } from '../../../../src/kube/client/json.ts';
import { LineSplitter } from '../../../../src/kube/watch/line-splitter.ts';
import { type Cluster, logPath } from '../cluster.ts';
import { Fault } from '../fault.ts';
import type { Io } from '../io.ts';
import { plural } from '../looks.ts';
import { OPERATOR_LABEL, type OperatorPod, operatorPods } from '../operator.ts';
import { moment, plain } from '../text.ts';
import { findUpgrade } from '../upgrades.ts';

export interface LogsOptions {
  readonly follow?: boolean;
  /** In milliseconds. */
  readonly since?: number;
  readonly operatorNamespace?: string;
  readonly raw?: boolean;
}

const LONGEST_LINE = 64 * 1024;
const LEVELS: Readonly<Record<string, Parameters<Io['paint']>[0]>> = {
  error: 'red',
  warn: 'yellow',
  debug: 'gray',
};
/** Fields that have their own place in the line. */
const PLACED_FIELDS = ['time', 'level', 'msg', 'message', 'upgrade', 'namespace', 'name'];

interface Entry {
  readonly time: string;
  readonly line: string;
  readonly upgrade: string;
}

/** Parses one line; a line that is not JSON is shown unchanged. */
export function readEntry(line: string): Entry & { readonly fields: Readonly<Record<string, unknown>> } {
  try {
    const fields = record(JSON.parse(line));
    const upgrade =
      text(fields.upgrade) || [text(fields.namespace), text(fields.name)].filter(Boolean).join('/');
    return { time: text(fields.time), line, upgrade, fields };
  } catch {
    return { time: '', line, upgrade: '', fields: { msg: line } };
  }
}

/** Formats a line as `03:12:07 shop/web Falling back …  attempt=2 phase=FallingBack`. */
export function entryText(io: Io, line: string): string {
  const { time, upgrade, fields } = readEntry(line);
  const level = text(fields.level);
  const sentence = [text(fields.msg), text(fields.message)].filter((part) => part !== '').join(': ');
  const rest = Object.entries(fields)
    .filter(([name]) => !PLACED_FIELDS.includes(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const shown = level === 'info' ? '' : plain(level.toUpperCase());
  return [
    time ? moment(time, io.now()) : '',
    shown && io.paint(own(LEVELS, level) ?? 'gray', shown),
    ...[upgrade, sentence, rest.join(' ')].map(plain),
  ]
    .filter((part) => part !== '')
    .join('  ');
}

export async function logs(
  io: Io,
  cluster: Cluster,
  name: string | undefined,
  options: LogsOptions,
): Promise<number> {
  const pods = await podsIn(cluster, options.operatorNamespace);
  const upgrade = name === undefined ? undefined : (await findUpgrade(cluster, name)).upgrade.metadata;
  const key = upgrade && `${upgrade.namespace}/${upgrade.name}`;
  const query: Record<string, string> = options.since
    ? { sinceSeconds: String(Math.max(1, Math.round(options.since / 1000))) }
    : { tailLines: '2000' };
  let shown = 0;
  const show = (line: string): void => {
    if (key === undefined || readEntry(line).upgrade === key) {
      shown += 1;
      io.out(options.raw ? line : entryText(io, line));
    }
  };
  if (options.follow) {
    await Promise.all(pods.map((pod) => follow(cluster, pod, query, { io, show })));
    return 0;
  }
  const texts = await Promise.all(pods.map((pod) => cluster.log(pod.namespace, pod.name, query)));
  const lines = texts.flatMap((answer, index) => {
    if (!answer.ok) {
      io.note(`${pods[index]?.name}: ${answer.message}`);
      return [];
    }
    return answer.text.split('\n').filter((line) => line !== '');
  });
  for (const line of lines.sort((a, b) => readEntry(a).time.localeCompare(readEntry(b).time))) {
    show(line);
  }
  if (shown === 0) {
    io.note(nothingText(key, lines.length, options.since));
  }
  return 0;
}

/** Says where nothing was found: an empty output could also mean that nothing was read. */
function nothingText(key: string | undefined, read: number, since: number | undefined): string {
  const where = `${plural(read, 'line')}${since ? ` of the last ${spanText(since)}` : ''}`;
  return key === undefined ? `the log has ${where}` : `none of ${where} is about ${key}`;
}

/** Returns the operator's pods, in its namespace or wherever they are found. */
async function podsIn(cluster: Cluster, namespace: string | undefined): Promise<OperatorPod[]> {
  const pods = await operatorPods(cluster, namespace).catch((error: Error) => {
    throw namespace === undefined && /^forbidden|ClusterRoleBindings/.test(error.message)
      ? new Fault(`${error.message}, or name the operator's namespace with --operator-namespace`)
      : error;
  });
  if (pods.length === 0) {
    const where = namespace === undefined ? 'any namespace' : `namespace ${namespace}`;
    throw new Fault(`no pod in ${where} has the label of the operator: ${OPERATOR_LABEL}`);
  }
  return pods;
}

async function follow(
  cluster: Cluster,
  { namespace, name }: OperatorPod,
  query: Readonly<Record<string, string>>,
  { io, show }: { io: Io; show: (line: string) => void },
): Promise<void> {
  const stream = await cluster.streams.open(
    () => logPath(namespace, name, { ...query, follow: 'true' }),
    io.signal,
  );
  io.signal.addEventListener('abort', () => stream.cancel());
  if (stream.status !== 200) {
    stream.cancel();
    throw new Fault(
      `cannot read the log of pod ${namespace}/${name}: HTTP ${stream.status}; you need get on pods/log`,
    );
  }
  const splitter = new LineSplitter(LONGEST_LINE);
  try {
    for await (const chunk of stream.body) {
      for (const line of splitter.push(chunk as Buffer)) {
        show(line);
      }
    }
  } catch {
    // The pod ended, or the caller did.
  }
}
