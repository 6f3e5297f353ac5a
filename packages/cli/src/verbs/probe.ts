/** `probe`: runs the Upgrade's checks with the caller's permissions; with `--kubelet` the pod's own probes. Nothing is stored. */

import { effectiveChecks } from '../../../../src/api/checks.ts';
import type { Class } from '../../../../src/api/enums.ts';
import { isReason } from '../../../../src/api/reasons.ts';
import type { Check, UpgradeSpec } from '../../../../src/api/types.ts';
import type { PodView } from '../../../../src/api/views.ts';
import { whatText } from '../../../../src/core/report/cause-text.ts';
import { verdictText } from '../../../../src/core/report/verdict-text.ts';
import { type ExecRefused, outcomeOf } from '../../../../src/core/verification/exec-result.ts';
import {
  evaluateTry,
  type TryOutcome,
  type TryVerdict,
} from '../../../../src/core/verification/exit-codes.ts';
import { tryCause } from '../../../../src/core/verification/failure-cause.ts';
import { possibleTries } from '../../../../src/core/verification/tries.ts';
import { at, count, list, type Raw, record, text } from '../../../../src/kube/client/json.ts';
import { decodePod } from '../../../../src/kube/objects/decode-pod.ts';
import type { Cluster } from '../cluster.ts';
import { EXIT } from '../fault.ts';
import type { Io } from '../io.ts';
import { plural } from '../looks.ts';
import { checkFormat, forMachine } from '../output.ts';
import { paintedClass } from '../paint.ts';
import { containerNames, targets } from '../probe-targets.ts';
import { plainLines, tableLines } from '../text.ts';

export interface ProbeOptions {
  readonly kubelet?: boolean;
  readonly output?: string;
}

/** How many pods are probed concurrently. */
const CONCURRENT_PODS = 4;

/** One probe of one container. */
interface Probe {
  readonly name: string;
  readonly container: string;
  readonly check: Check;
}

interface ProbeResult {
  readonly pod: string;
  readonly node: string;
  readonly check: string;
  readonly container: string;
  readonly exitCode?: number;
  readonly class: Class;
  readonly reason: string;
  readonly message: string;
  readonly output: string;
  readonly milliseconds: number;
}

export async function probe(io: Io, cluster: Cluster, word: string, options: ProbeOptions): Promise<number> {
  checkFormat(options.output, ['json', 'yaml']);
  const { pods, spec, upgrade } = await targets(cluster, word);
  if (!options.kubelet && upgrade === undefined && options.output === undefined) {
    io.note('No Upgrade has this target: running the default checks of an Upgrade.');
  }
  const rows = pods.map((raw) => ({
    raw,
    probes: options.kubelet ? ownProbes(raw) : checkProbes(spec, raw),
  }));
  const answers = (
    await inBatches(rows, CONCURRENT_PODS, ({ raw, probes }) => runAll(cluster, raw, probes, io.signal))
  ).flat();
  // A pod without probes of its own passes, as for the kubelet; so does one of an Upgrade without checks.
  const mayHaveNone = options.kubelet === true || effectiveChecks(spec).length === 0;
  const isFree = mayHaveNone && pods.length > 0 && answers.length === 0;
  if (forMachine(io, options.output, answers)) {
    return isFree ? EXIT.ok : exitCode(answers);
  }
  if (answers.length === 0) {
    io.note(nothingText(options, spec));
    return isFree ? EXIT.ok : EXIT.fault;
  }
  for (const line of table(io, answers)) {
    io.out(line);
  }
  const [good, silent] = [isGood, isSilent].map((is) => answers.filter(is).length);
  io.note(
    `${plural(pods.length, 'pod')}: ${good} of ${plural(answers.length, 'probe')} passed${silent ? `, ${silent} returned no result` : ''}`,
  );
  return exitCode(answers);
}

function nothingText({ kubelet }: ProbeOptions, spec: UpgradeSpec): string {
  if (kubelet) {
    return 'None of these pods has its own probes.';
  }
  return effectiveChecks(spec).length === 0
    ? 'Nothing to probe: spec.postCheck.checks is empty, so readiness alone decides.'
    : 'Nothing can be probed: no container of a check is running.';
}

const isGood = ({ class: kind }: ProbeResult): boolean => kind === 'Pass' || kind === 'Skip';
/** No evidence, neither for the version nor against it. */
const isSilent = ({ class: kind }: ProbeResult): boolean => kind === 'Error';

function exitCode(answers: readonly ProbeResult[]): number {
  if (answers.length > 0 && answers.every(isGood)) {
    return EXIT.ok;
  }
  return answers.every((one) => isGood(one) || isSilent(one)) ? EXIT.fault : EXIT.checksFailed;
}

/** Runs the work for all in batches, and returns the results in order. */
async function inBatches<T, R>(
  all: readonly T[],
  atOnce: number,
  work: (one: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < all.length; from += atOnce) {
    results.push(...(await Promise.all(all.slice(from, from + atOnce).map(work))));
  }
  return results;
}

function checkProbes(spec: UpgradeSpec, raw: Raw): Probe[] {
  return effectiveChecks(spec).length === 0
    ? []
    : possibleTries({ spec, template: containerNames(raw) }, decodePod(raw)).map(({ check, container }) => ({
        name: check.name,
        container,
        check,
      }));
}

const OWN_PROBES = ['startupProbe', 'livenessProbe', 'readinessProbe'];

/** Returns the pod's own startup, liveness and readiness probes, with kubelet's time limits. */
const ownProbes = (raw: Raw): Probe[] =>
  list(at(raw, 'spec', 'containers'))
    .map(record)
    .flatMap((container) =>
      OWN_PROBES.filter((kind) => container[kind] !== undefined).map((kind) => ({
        name: kind,
        container: text(container.name),
        check: checkOf(kind, record(container[kind])),
      })),
    );

function checkOf(name: string, { exec, httpGet, tcpSocket, grpc, timeoutSeconds }: Raw): Check {
  return {
    name,
    ...(exec ? { exec } : {}),
    ...(httpGet ? { httpGet: { scheme: 'HTTP', httpHeaders: [], ...record(httpGet) } } : {}),
    ...(tcpSocket ? { tcpSocket } : {}),
    ...(grpc ? { grpc } : {}),
    timeoutSeconds: count(timeoutSeconds, 1),
    whenMissing: 'Fail',
    exitCodes: [],
    maxOutputBytes: 1024,
  } as unknown as Check;
}

async function runAll(
  cluster: Cluster,
  raw: Raw,
  all: readonly Probe[],
  signal: AbortSignal,
): Promise<ProbeResult[]> {
  const answers: ProbeResult[] = [];
  const pod = decodePod(raw);
  for (const { name, container, check } of all) {
    const startedAt = performance.now();
    const outcome = await runProbe(cluster, raw, { container, check }, signal);
    const podReady = pod.conditions['ContainersReady']?.status === 'True';
    const verdict = evaluateTry(check, outcome, { inFallback: false, podReady });
    answers.push({
      pod: pod.name,
      node: pod.node,
      check: name,
      container,
      ...(verdict.exitCode === undefined ? {} : { exitCode: verdict.exitCode }),
      class: verdict.class,
      reason: verdict.reason,
      message: verdictText(verdict) || commandText(verdict, check, pod, container),
      output: verdict.output,
      milliseconds: Math.round(performance.now() - startedAt),
    });
  }
  return answers;
}

/** Returns the operator's message about a command that is missing or cannot be run. */
const commandText = (verdict: TryVerdict, check: Check, pod: PodView, container: string): string =>
  isReason(verdict.reason, 'CommandMissing', 'CommandNotRunnable')
    ? whatText(tryCause({ check: check.name, container, verdict }, pod, [check]))
    : '';

async function runProbe(
  cluster: Cluster,
  raw: Raw,
  { container, check }: { container: string; check: Check },
  signal: AbortSignal,
): Promise<TryOutcome> {
  const { namespace, name, containers } = decodePod(raw);
  if (check.exec) {
    const result = await cluster.executor.exec(
      {
        namespace,
        pod: name,
        container,
        command: check.exec.command,
        timeoutMs: check.timeoutSeconds * 1000,
        maxOutputBytes: Math.max(check.maxOutputBytes, 1024),
      },
      signal,
    );
    return outcomeOf(result, refusalText);
  }
  if (check.httpGet) {
    const { port, path = '/', scheme } = check.httpGet;
    const number =
      typeof port === 'number' ? port : containers.map(({ ports }) => ports?.[port]).find(Boolean);
    return await cluster.throughProxy(
      { namespace, pod: name, port: number ?? port, scheme, path },
      check.timeoutSeconds * 1000,
    );
  }
  return {
    kind: 'unreachable',
    message: 'only the operator can run this check: a pod’s address cannot be reached through the API server',
  };
}

const refusalText = ({ status, message }: ExecRefused): string =>
  status === 403
    ? `you are not allowed to run commands in this pod: you need get and create on pods/exec (${message})`
    : message;

function table(io: Io, answers: readonly ProbeResult[]): string[] {
  const rows = answers.map((one) => [
    one.pod,
    one.node || '-',
    one.check,
    one.container,
    one.exitCode === undefined ? '-' : String(one.exitCode),
    paintedClass(io, one.class),
    one.reason,
    `${one.milliseconds} ms`,
    [one.message, plainLines(one.output).at(-1) ?? ''].filter((part) => part !== '').join(': '),
  ]);
  const head = ['POD', 'NODE', 'CHECK', 'CONTAINER', 'CODE', 'CLASS', 'REASON', 'DURATION', 'OUTPUT'];
  return tableLines(io, [head, ...rows]);
}
