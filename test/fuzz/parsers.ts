/** Every reader of bytes that others send: valid input to begin with, and what must hold whatever becomes of it. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { admit } from '../../packages/cli/src/dashboard/admission.ts';
import { readRegistry } from '../../packages/cli/src/registry.ts';
import { LineReader, parseReply, REPLY_LIMIT_BYTES } from '../../packages/health/src/protocol.ts';
import { decodeResponse } from '../../packages/kubelet-prober/src/grpc-message.ts';
import { parseUrl, resolveUrl } from '../../packages/kubelet-prober/src/url.ts';
import { effectiveChecks } from '../../src/api/checks.ts';
import { printable, printableLine } from '../../src/api/printable.ts';
import type { Check } from '../../src/api/types.ts';
import { decodeAnswer } from '../../src/checks/prometheus.ts';
import { verdictText } from '../../src/core/report/verdict-text.ts';
import { evaluateTry } from '../../src/core/verification/exit-codes.ts';
import { failureOf, retryAfterMs, statusMessage } from '../../src/kube/client/errors.ts';
import { kubectlConfig } from '../../src/kube/client/kubectl-config.ts';
import { pathOf, RESOURCES } from '../../src/kube/client/paths.ts';
import { OutputCollector } from '../../src/kube/exec/exec-output.ts';
import { readExecStatus } from '../../src/kube/exec/exec-status.ts';
import { readLease } from '../../src/kube/leader-election/lease-record.ts';
import { PROJECTIONS } from '../../src/kube/objects/decoders.ts';
import { LineSplitter } from '../../src/kube/watch/line-splitter.ts';
import { readWatchLine } from '../../src/kube/watch/watch-line.ts';
import { answerReview, LONGEST_REVIEW_BYTES } from '../../src/kube/webhook/review.ts';
import { specOf } from '../support/snapshots.ts';
import { mutateBytes, mutateJson, mutateText } from './mutate.ts';
import type { Random } from './random.ts';

export interface Parser {
  readonly name: string;
  /** One hostile input. */
  readonly input: (random: Random) => unknown;
  /** Reads it; throws when something that must hold does not. Returns what is kept of it, in bytes. */
  readonly read: (input: never) => number;
  /** The most that may be kept of an input of so many bytes. */
  readonly keeps: (bytes: number) => number;
  /** It may cost so many times as much as others: the parser is a whole language's. */
  readonly weight?: number;
}

function insist(holds: boolean, what: string): void {
  if (!holds) {
    throw new Error(what);
  }
}

const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? '');
const parser = <T>(
  name: string,
  input: (random: Random) => T,
  read: (input: T) => number,
  keeps: (bytes: number) => number,
  weight = 1,
): Parser => ({ name, input, read: read as Parser['read'], keeps, weight });

const frozenDeep = (value: unknown): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (Object.isFrozen(value) && Object.values(value).every(frozenDeep));

// Exec.

const STATUSES = [
  '{"metadata":{},"status":"Success"}',
  '{"metadata":{},"status":"Failure","message":"command terminated with exit code 17","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"17"}]}}',
  '{"metadata":{},"status":"Failure","message":"Internal error occurred: exec: \\"/x\\": stat /x: no such file or directory","reason":"InternalError","code":500}',
  '{"metadata":{},"status":"Failure","message":"container not found (\\"web\\")","reason":"NotFound","code":404}',
];

function readStatus(frame: string): number {
  const verdict = readExecStatus(frame);
  if (verdict.kind === 'exit') {
    const said = JSON.parse(frame);
    insist(
      Number.isInteger(verdict.code) && verdict.code >= 0 && verdict.code <= 255,
      `exit code ${verdict.code}`,
    );
    insist(verdict.code !== 0 || said.status === 'Success', 'exit 0 without Success');
    insist(verdict.code === 0 || said.reason === 'NonZeroExitCode', `exit ${verdict.code} without a code`);
  } else {
    insist(['missing', 'unrunnable', 'gone', 'broken'].includes(verdict.kind), `kind ${verdict.kind}`);
    const message = 'message' in verdict ? verdict.message : '';
    insist(printableLine(message) === message.trim(), 'a message that is not one printable line');
  }
  return sizeOf(verdict);
}

interface Pieces {
  readonly limit: number;
  readonly pieces: readonly Buffer[];
}

const SAMPLE = Buffer.from('starting\n\x1b[32mok\x1b[0m 😀\r\npostcheck: stage=hook code=17 state=EXITED\n');
function pieces(random: Random, bytes: Buffer): Buffer[] {
  const cuts = Array.from({ length: random.below(6) }, () => random.below(bytes.length + 1)).sort(
    (a, b) => a - b,
  );
  return [0, ...cuts].map((from, index) => bytes.subarray(from, cuts[index] ?? bytes.length));
}

function collect({ limit, pieces: parts }: Pieces): number {
  const output = new OutputCollector(limit);
  for (const part of parts) {
    output.push(part);
  }
  const text = output.text();
  insist(Buffer.byteLength(text) <= limit, `${Buffer.byteLength(text)} bytes kept of ${limit}`);
  insist(printable(text) === text, 'output that is not printable');
  return Buffer.byteLength(text);
}

// The result line and the table of exit codes.

const [PROBE] = effectiveChecks(specOf()) as [Check];
const RESULTS = [
  'readiness_probe: start ended with exit status 3\npostcheck: stage=start code=2 state=RUNNING\n',
  'warn\npostcheck: stage=hook code=126 state=EXITED\n',
];

interface Tried {
  readonly code: number;
  readonly output: string;
  readonly maxOutputBytes: number;
}

function judge({ code, output, maxOutputBytes }: Tried): number {
  const verdict = evaluateTry(
    { ...PROBE, maxOutputBytes },
    { kind: 'exit', code, output },
    { inFallback: false, podReady: true },
  );
  // Some runtimes report success whatever a command ended with: the result line of the script has its code.
  const isContradicted = code === 0 && verdict.class === 'Error' && / code=0*[1-9]/.test(output);
  insist(isContradicted || (verdict.class === 'Pass') === (code === 0), `exit ${code} is ${verdict.class}`);
  insist(isContradicted || !['Error', 'Skip'].includes(verdict.class), `an exit code is ${verdict.class}`);
  insist(/^[A-Z][A-Za-z0-9]*$/.test(verdict.reason), `reason ${verdict.reason}`);
  const message = verdictText(verdict);
  insist(Buffer.byteLength(message) <= 1024, 'a long message');
  return Buffer.byteLength(verdict.output) + Buffer.byteLength(message);
}

// Watches.

const META = {
  name: 'web',
  namespace: 'shop',
  uid: 'u-1',
  resourceVersion: '12',
  generation: 2,
  creationTimestamp: '2026-01-01T00:00:00Z',
};
const CONTAINER = {
  name: 'web',
  image: 'registry.example/web:2',
  ports: [{ name: 'http', containerPort: 8080 }],
};
const OWNER = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', uid: 'u-0', controller: true };
const TEMPLATE = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [CONTAINER], initContainers: [{ ...CONTAINER, restartPolicy: 'Always' }] },
};
const MANAGED = {
  manager: 'postcheck',
  time: META.creationTimestamp,
  fieldsV1: {
    'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"web"}': { 'f:image': {} } } } } },
  },
};
const STATE = {
  name: 'web',
  ready: true,
  restartCount: 1,
  containerID: 'containerd://1',
  state: { running: { startedAt: META.creationTimestamp } },
  lastState: { terminated: { exitCode: 3 } },
};
const OBJECTS = {
  Pod: {
    metadata: { ...META, ownerReferences: [OWNER], labels: { 'pod-template-hash': '1' } },
    spec: { nodeName: 'node-1', readinessGates: [{ conditionType: 'postcheck.dev/verified' }], containers: [CONTAINER] },
    status: { phase: 'Running', podIP: '10.0.0.1', containerStatuses: [STATE], conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: META.creationTimestamp }] },
  },
  Deployment: { metadata: { ...META, managedFields: [MANAGED] }, spec: { replicas: 3, template: TEMPLATE, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } } }, status: { observedGeneration: 2, replicas: 3, conditions: [{ type: 'ReplicaFailure', status: 'True', message: 'quota' }] } },
  StatefulSet: { metadata: META, spec: { replicas: 3, template: TEMPLATE, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } }, status: { updateRevision: 'web-2', currentRevision: 'web-1', replicas: 3 } },
  DaemonSet: { metadata: META, spec: { template: TEMPLATE, updateStrategy: { type: 'OnDelete' } }, status: { desiredNumberScheduled: 3, updatedNumberScheduled: 1, numberAvailable: 2 } },
  ReplicaSet: { metadata: { ...META, ownerReferences: [{ ...OWNER, kind: 'Deployment' }], labels: { 'pod-template-hash': '1' } }, spec: { template: TEMPLATE } },
  ControllerRevision: { metadata: { ...META, ownerReferences: [{ ...OWNER, kind: 'DaemonSet' }] }, revision: 3, data: { spec: { template: TEMPLATE } } },
  Upgrade: { metadata: { ...META, annotations: { 'postcheck.dev/abort': 'x' } }, spec: specOf(), status: { phase: 'Succeeded' } },
  Node: { metadata: META, status: { conditions: [{ type: 'Ready', status: 'True' }] } },
} as const; // biome-ignore format: a table
type Kind = keyof typeof OBJECTS;
const KINDS = Object.keys(OBJECTS) as Kind[];

function readLine(line: string): number {
  const read = readWatchLine(line);
  if (read.type === 'change' || read.type === 'bookmark') {
    insist(read.resourceVersion !== '', 'a change without a version');
  }
  if (read.type === 'throttled') {
    insist(read.retryAfterMs <= 60_000, `waits ${read.retryAfterMs} ms`);
  }
  return sizeOf(read);
}

function project({ kind, raw }: { kind: Kind; raw: unknown }): number {
  const { project: make, keeps } = PROJECTIONS[kind];
  const view = make(raw) as never;
  insist(typeof keeps(view) === 'boolean', 'kept or not');
  insist(frozenDeep(view), 'a view that can be changed');
  return sizeOf(view);
}

function split({ limit, pieces: parts }: Pieces): number {
  const splitter = new LineSplitter(limit);
  const lines: string[] = [];
  try {
    for (const part of parts) {
      lines.push(...splitter.push(part));
    }
  } catch (error) {
    insist(error instanceof RangeError, `threw ${error}`);
    insist(
      Buffer.concat([...parts])
        .toString('latin1')
        .split('\n')
        .some((line) => line.length > limit),
      'no line was too long',
    );
    return 0;
  }
  insist(
    JSON.stringify(lines) ===
      JSON.stringify(
        Buffer.concat([...parts])
          .toString('latin1')
          .split('\n')
          .slice(0, -1)
          .map((line) => Buffer.from(line, 'latin1').toString('utf8')),
      ),
    'other lines than were sent',
  );
  return lines.reduce((sum, line) => sum + line.length, 0);
}

// Answers.

function refuse({ status, retryAfter, body }: { status: number; retryAfter: string; body: string }): number {
  const failure = failureOf({ status, retryAfter, body }, 'get pods "web"', 1_700_000_000_000);
  insist(
    failure.message.length <= 510 && printableLine(failure.message) === failure.message,
    'a message that is not one short printable line',
  );
  const waits = retryAfterMs(retryAfter, 1_700_000_000_000);
  insist(waits >= 0 && waits <= 60_000, `waits ${waits} ms`);
  insist(typeof statusMessage(body) === 'string', 'no text');
  return sizeOf(failure);
}

function lease(raw: unknown): number {
  const record = readLease(raw);
  insist(record.durationMs >= 0 && record.durationMs <= 60_000, `believed in for ${record.durationMs} ms`);
  insist(Number.isFinite(record.transitions), 'no number of transitions');
  return sizeOf(record);
}

const REVIEW = JSON.stringify({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: '1-2-3',
    operation: 'CREATE',
    namespace: 'shop',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    object: { kind: 'Pod', ...OBJECTS.Pod },
  },
});

function review(body: string): number {
  let seen = 0;
  const answer = answerReview(body, (pod) => {
    seen = sizeOf(pod);
    insist(pod.namespace !== '', 'a pod in no namespace');
    return [{ op: 'add', path: '/spec/readinessGates', value: [] }];
  });
  insist([200, 400].includes(answer.status), `status ${answer.status}`);
  if (answer.status === 200) {
    const { response } = JSON.parse(answer.body);
    insist(response.allowed === true, 'a pod is refused');
    insist(response.uid === JSON.parse(body).request.uid, 'the answer to another question');
  }
  insist(body.length <= LONGEST_REVIEW_BYTES, 'a longer body than is read');
  return seen + answer.body.length;
}

const METRICS = [
  '{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1700000000,"0.5"]},{"metric":{},"value":[1700000000,"NaN"]}]}}',
  '{"status":"success","data":{"resultType":"scalar","result":[1700000000,"+Inf"]}}',
  '{"status":"error","errorType":"bad_data","error":"parse error: unexpected end of input"}',
];

function query(body: string): number {
  const answer = decodeAnswer({ status: 200, body });
  if (answer.kind === 'values') {
    insist(answer.values.length <= 1000, `${answer.values.length} values`);
    insist(
      answer.values.every((value) => typeof value === 'number'),
      'a value that is no number',
    );
    return 8 * answer.values.length;
  }
  insist(answer.message !== '', 'a failure without a word');
  return answer.message.length;
}

// Applications.

function serving(body: Buffer): number {
  const status = decodeResponse(body);
  insist(status === undefined || /^(?:[A-Z_]+|[\d.e+]+)$/.test(status), `status ${status}`);
  return status?.length ?? 0;
}

const BASE = parseUrl('http://10.0.0.1:8080/health?deep=1');
function redirected(location: string): number {
  const url = BASE && resolveUrl(BASE, location);
  // Without a host nothing is asked.
  const line = url?.host && /^https?$/.test(url.scheme) ? url.path + url.host : '';
  insist(![...line].some((letter) => letter <= ' ' || letter === '\x7f'), 'a request line with a gap');
  return sizeOf(url ?? null);
}

function healthReply({ limit, pieces: parts }: Pieces): number {
  const reader = new LineReader(limit);
  let bytes = 0;
  for (const part of parts) {
    const { lines, tooLong } = reader.push(part);
    for (const line of lines) {
      const { code } = parseReply(line);
      insist(Number.isInteger(code) && code >= 0 && code <= 255, `code ${code}`);
      bytes += line.length;
    }
    if (tooLong) {
      break;
    }
  }
  return bytes;
}

// Users.

function nameOf(name: string): number {
  const path = pathOf({ resource: RESOURCES.Pod, namespace: 'shop', name, subresource: 'exec' });
  insist(
    path === undefined ||
      /^\/api\/v1\/namespaces\/shop\/pods\/[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\/exec$/.test(path),
    `path ${path}`,
  );
  return path?.length ?? 0;
}

const REGISTRY =
  'codes:\n- {codes: "17", class: Fail, reason: SchemaTooOld, message: the schema is too old}\n- {codes: 20-30, class: Retry, reason: Busy}\n';
function registry(text: string): number {
  const read = readRegistry(text);
  insist(
    'rules' in read ? Array.isArray(read.rules) : read.mistakes.length > 0,
    'neither rules nor mistakes',
  );
  return sizeOf(read);
}

const SECRET = 'secret-token-of-u';
const KUBECONFIG = `apiVersion: v1
kind: Config
current-context: shop
clusters: [{name: c, cluster: {server: "https://10.0.0.1:6443", insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: ${SECRET}}}]
contexts: [{name: shop, context: {cluster: c, user: u, namespace: shop}}]
`;

type Configured = ReturnType<typeof kubectlConfig>;

function configOf(content: string): Configured | Error {
  const folder = mkdtempSync(join(tmpdir(), 'postcheck-fuzz-'));
  const file = join(folder, 'config');
  try {
    writeFileSync(file, content);
    return kubectlConfig({ kubeconfig: file }, { home: folder });
  } catch (error) {
    return error as Error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What is wrong is said in a sentence for a person, and that tells nothing of its secrets. */
function kubeconfig(content: string): number {
  const config = configOf(content);
  if (config instanceof Error) {
    insist(config.constructor === Error, `threw ${config.stack}`);
    insist(!config.message.includes(SECRET), 'a refusal that tells the token');
    return config.message.length;
  }
  insist(typeof config.getCurrentCluster()?.server === 'string', 'a cluster without a server');
  return sizeOf([config.clusters, config.users, config.contexts]);
}

const DASHBOARD = { token: 'abc', files: ['', 'app.js'] };
interface Browsed {
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly site: string;
}
function browse({ method, target, host, site }: Browsed): number {
  const asked = { method, target, headers: { host, 'sec-fetch-site': site } };
  const admission = admit(asked, DASHBOARD.token, DASHBOARD.files);
  insist(admission.kind !== 'act', 'acts without its own header');
  insist(
    admission.kind === 'refused' || target.startsWith(`/${DASHBOARD.token}`),
    'answers without the token',
  );
  insist(admission.kind === 'refused' || /^(127|localhost|\[)/i.test(host), `answers to host ${host}`);
  insist(admission.kind !== 'file' || DASHBOARD.files.includes(admission.name), 'a file that is not there');
  return sizeOf(admission);
}

const whole = (bytes: number): number => 8 * bytes + 2048;
/** Each character may become three bytes, each as `%FF`; http-get.ts takes no Location that is long. */
const percentEncoded = (length: number): number => 9 * length + 4096;
const short = (): number => 4096;

/** Every parser, with what it may keep. */
export const PARSERS: readonly Parser[] = [
  parser('status frame of an exec', (random) => mutateText(random, random.pick(STATUSES)), readStatus, short),
  parser('output of an exec', (random) => ({ limit: random.pick([0, 1, 31, 32, 33, 100, 8192]), pieces: pieces(random, mutateBytes(random, SAMPLE)) }), collect, () => 8192),
  parser('result line and exit code', (random) => ({ code: random.below(256), output: mutateText(random, random.pick(RESULTS)), maxOutputBytes: random.pick([0, 1, 1024, 8192]) }), judge, () => 8192 + 1024),
  parser('exit-code registry', (random) => mutateText(random, REGISTRY), registry, (bytes) => 200 * bytes + 4096, 200),
  parser('line of a watch', (random) => mutateText(random, JSON.stringify({ type: random.pick(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']), object: OBJECTS.Pod })), readLine, whole),
  parser('cutting a stream into lines', (random) => ({ limit: random.pick([8, 64, 1024, 100_000]), pieces: pieces(random, mutateBytes(random, SAMPLE)) }), split, whole),
  ...KINDS.map((kind) => parser(`object of kind ${kind}`, (random) => ({ kind, raw: mutateJson(random, OBJECTS[kind]) }), project, whole)),
  parser('refusal, its body and Retry-After', (random) => ({ status: random.pick([0, 200, 301, 400, 401, 403, 404, 409, 410, 413, 422, 429, 500, 502, 503, 504, 999]), retryAfter: mutateText(random, random.pick(['1', 'Wed, 21 Oct 2026 07:28:00 GMT'])), body: mutateText(random, '{"kind":"Status","status":"Failure","message":"pods \\"web\\" not found","reason":"NotFound","code":404}') }), refuse, short),
  parser('lease', (random) => mutateJson(random, { metadata: META, spec: { holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 3, renewTime: '2026-01-01T00:00:00.000000Z' } }), lease, whole),
  parser('gRPC health answer', (random) => mutateBytes(random, Buffer.from([0, 0, 0, 0, 2, 8, 1])), serving, short),
  parser('Location of a redirect', (random) => mutateText(random, random.pick(['/next?x=1#y', 'http://user:pw@10.0.0.1:8080/a%20b', '//[::1]:80/..'])), redirected, percentEncoded),
  parser('answer of a health socket', (random) => ({ limit: REPLY_LIMIT_BYTES, pieces: pieces(random, mutateBytes(random, Buffer.from('17 the queue is full\n0\n'))) }), healthReply, whole),
  parser('review of a pod', (random) => mutateText(random, REVIEW), review, whole),
  parser('object in a review', (random) => JSON.stringify(mutateJson(random, JSON.parse(REVIEW))), review, whole),
  parser('answer of Prometheus', (random) => mutateText(random, random.pick(METRICS)), query, whole),
  parser('objects of Prometheus', (random) => JSON.stringify(mutateJson(random, JSON.parse(random.pick(METRICS)))), query, whole),
  parser('kubeconfig', (random) => mutateText(random, KUBECONFIG), kubeconfig, (bytes) => 200 * bytes + 4096, 200),
  parser('objects of a kubeconfig', (random) => JSON.stringify(mutateJson(random, load(KUBECONFIG))), kubeconfig, (bytes) => 200 * bytes + 4096, 200),
  parser('request to the dashboard', (random) => ({ method: random.pick(['GET', 'HEAD', 'POST', 'PUT', '']), target: mutateText(random, random.pick(['/abc/', '/abc/app.js', '/abc/act', '/abc/events?namespace=shop&name=web'])), host: mutateText(random, '127.0.0.1:8080'), site: random.pick(['same-origin', 'none', 'cross-site', '']) }), browse, short),
  parser('name in a path', (random) => mutateText(random, 'web-0.shop'), nameOf, whole),
]; // biome-ignore format: a table
