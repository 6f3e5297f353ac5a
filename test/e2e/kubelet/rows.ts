import type { ProbeHandler } from '../../../packages/kubelet-prober/src/spec.ts';
import {
  answers,
  answersBytes,
  expects,
  grpcEnds,
  grpcHealth,
  grpcSilent,
  onConnection,
  readRequest,
  redirects,
} from './servers.ts';

/** One pod that kubelet and we both judge. */
export interface Row {
  readonly name: string;
  /** What the container runs beside sleeping. */
  readonly serve: string;
  readonly probe: ProbeHandler;
  /** What both are expected to find. */
  readonly finds: Finding;
  /** The wording is kubelet's too, not only the verdict. */
  readonly sameText?: true;
}

export type Finding = 'success' | 'warning' | 'failure' | 'error';

const get = (path = '/', more = {}): ProbeHandler => ({ httpGet: { port: 8080, path, ...more } });
const headers = (...list: [string, string][]) => ({
  httpHeaders: list.map(([name, value]) => ({ name, value })),
});
const exec = (...command: string[]): ProbeHandler => ({ exec: { command } });
const tcp = (port: number | string): ProbeHandler => ({ tcpSocket: { port } });
const grpc: ProbeHandler = { grpc: { port: 8080 } };
const nothing = '';
const fine = answers('200 OK');
const texted = { sameText: true } as const;

const statuses: readonly Row[] = [
  ...(['200 OK', '204 No Content', '299 Odd'] as const).map((status) => ({
    name: `HTTP ${status}`,
    serve: answers(status),
    probe: get(),
    finds: 'success' as const,
  })),
  ...(['300 Choices', '302 Found', '304 Same'] as const).map((status) => ({
    name: `HTTP ${status} without a Location`,
    serve: answers(status),
    probe: get(),
    finds: 'warning' as const,
    ...(status.startsWith('304') ? {} : texted),
  })),
  ...(['400 Bad', '404 None', '500 Broken', '503 Busy'] as const).map((status) => ({
    name: `HTTP ${status}`,
    serve: answers(status),
    probe: get(),
    finds: 'failure' as const,
    ...texted,
  })),
];

const http: readonly Row[] = [
  {
    name: 'a redirect to a page that is fine',
    serve: redirects('302 Found', '/new'),
    probe: get(),
    finds: 'success',
  },
  {
    name: 'a redirect to a bad page',
    serve: redirects('307 Temporary', '/bad'),
    probe: get(),
    finds: 'failure',
    ...texted,
  },
  {
    name: 'a redirect to the whole URL of a page that is fine',
    serve: redirects('308 Moved', 'http://$POD_IP:8080/new'),
    probe: get(),
    finds: 'success',
  },
  {
    name: 'a redirect to another name of the same pod',
    serve: redirects('301 Moved', 'http://localhost:8080/bad'),
    probe: get(),
    finds: 'warning',
    ...texted,
  },
  {
    name: 'a redirect to a port that refuses',
    serve: redirects('302 Found', 'http://$POD_IP:9/'),
    probe: get(),
    finds: 'failure',
  },
  {
    name: 'a redirect to a port that is fine',
    serve: `${redirects('302 Found', 'http://$POD_IP:8081/')}\n${onConnection(8081, `${readRequest}\nprintf 'HTTP/1.0 200 OK\\n\\n'`)}`,
    probe: get(),
    finds: 'success',
  },
  { name: 'a redirect loop', serve: redirects('302 Found', '/again'), probe: get(), finds: 'failure' },
  { name: 'a server that says nothing', serve: answersBytes('', 30), probe: get(), finds: 'failure' },
  { name: 'a server that closes at once', serve: answersBytes(''), probe: get(), finds: 'failure' },
  {
    name: 'a server that does not speak HTTP',
    serve: answersBytes('hello\\n'),
    probe: get(),
    finds: 'failure',
  },
  {
    name: 'a server of bare line feeds',
    serve: answersBytes('HTTP/1.0 200 OK\\n\\nbody'),
    probe: get(),
    finds: 'success',
  },
  {
    name: 'a body that breaks off',
    serve: answersBytes('HTTP/1.1 200 OK\\r\\nContent-Length: 99\\r\\n\\r\\nx'),
    probe: get(),
    finds: 'error',
  },
  {
    name: 'a body that stops',
    serve: answersBytes('HTTP/1.1 200 OK\\r\\nContent-Length: 99\\r\\n\\r\\nx', 30),
    probe: get(),
    finds: 'error',
  },
  {
    name: 'a body without end',
    serve: onConnection(8080, "printf 'HTTP/1.1 200 OK\\r\\n\\r\\n'; head -c 20000 /dev/zero; sleep 30"),
    probe: get(),
    finds: 'success',
  },
  { name: 'a port that refuses', serve: nothing, probe: get(), finds: 'failure' },
  { name: 'a port by its name', serve: fine, probe: get('/', { port: 'web' }), finds: 'success' },
  {
    name: 'a port by a name that does not exist',
    serve: fine,
    probe: get('/', { port: 'nope' }),
    finds: 'error',
  },
  {
    name: 'HTTPS to a server without TLS',
    serve: fine,
    probe: get('/', { scheme: 'HTTPS' }),
    finds: 'failure',
  },
  {
    name: 'a path with a blank and a query',
    serve: expects('/a%20b?c=%20d'),
    probe: get('/a b?c=%20d'),
    finds: 'success',
  },
  { name: 'a path without a slash', serve: expects('/healthz'), probe: get('healthz'), finds: 'success' },
  { name: 'a path that is no URL', serve: expects('/50%25'), probe: get('/50%'), finds: 'success' },
  {
    name: 'what is sent by default',
    serve: expects(
      '/',
      ['accept: */*', 'connection: close'],
      ['accept-encoding'],
      // The cluster's kubelet may be of another version than the one whose meaning we have.
      'kube-probe/1\\.[0-9]+',
    ),
    probe: get(),
    finds: 'success',
  },
  {
    name: 'headers of the user, repeated and empty ones',
    serve: expects('/', ['x-a: 1', 'x-a: 2', 'accept-encoding: ', 'host: muffins.cupcakes.org']),
    probe: get(
      '/',
      headers(['X-A', '1'], ['x-a', '2'], ['Accept-Encoding', ''], ['host', 'muffins.cupcakes.org']),
    ),
    finds: 'success',
  },
  {
    name: 'headers that are taken away',
    serve: expects('/', [], ['accept:', 'user-agent:']),
    probe: get('/', headers(['Accept', ''], ['User-Agent', ''])),
    finds: 'success',
  },
];

const others: readonly Row[] = [
  { name: 'TCP to a port that listens', serve: fine, probe: tcp('web'), finds: 'success' },
  { name: 'TCP to a port that refuses', serve: nothing, probe: tcp(9), finds: 'failure' },
  { name: 'TCP to a name that does not exist', serve: fine, probe: tcp('nope'), finds: 'error' },
  { name: 'gRPC SERVING', serve: grpcHealth(1), probe: grpc, finds: 'success' },
  { name: 'gRPC NOT_SERVING', serve: grpcHealth(2), probe: grpc, finds: 'failure', ...texted },
  { name: 'gRPC UNKNOWN', serve: grpcHealth(0), probe: grpc, finds: 'failure', ...texted },
  { name: 'a gRPC error', serve: grpcEnds(5), probe: grpc, finds: 'failure' },
  { name: 'gRPC without an answer', serve: grpcSilent, probe: grpc, finds: 'failure', ...texted },
  { name: 'gRPC to an HTTP/1 server', serve: fine, probe: grpc, finds: 'failure' },
  { name: 'gRPC to a port that refuses', serve: nothing, probe: grpc, finds: 'failure' },
  { name: 'a command that ends with 0', serve: nothing, probe: exec('true'), finds: 'success' },
  {
    name: 'a command that ends with 3 and says why',
    serve: nothing,
    probe: exec('sh', '-c', 'echo out; exit 3'),
    finds: 'failure',
    ...texted,
  },
  {
    name: 'a command that is killed',
    serve: nothing,
    probe: exec('sh', '-c', 'kill -9 $$$$'),
    finds: 'failure',
  },
  { name: 'a command that does not exist', serve: nothing, probe: exec('/no/such/command'), finds: 'error' },
  {
    name: 'a command that runs too long',
    serve: nothing,
    probe: exec('sleep', '30'),
    finds: 'failure',
    ...texted,
  },
  {
    name: 'a command with a variable',
    serve: nothing,
    probe: exec('sh', '-c', '[ "$(LITERAL)" = yes ]'),
    finds: 'success',
  },
  {
    name: 'a command with a variable from elsewhere',
    serve: nothing,
    probe: exec('sh', '-c', '[ -z "$(POD_IP)" ]'),
    finds: 'success',
  },
  {
    name: 'a command with a reference that is kept',
    serve: nothing,
    probe: exec('sh', '-c', '[ "$$(echo kept)" = kept ]'),
    finds: 'success',
  },
  {
    name: 'a command with an unknown variable, which the shell then runs',
    serve: nothing,
    probe: exec('sh', '-c', '[ "$(pwd)" = / ]'),
    finds: 'success',
  },
];

export const rows: readonly Row[] = [...statuses, ...http, ...others];
