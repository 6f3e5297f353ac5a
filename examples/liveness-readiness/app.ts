/**
 * A web server whose health can be switched from outside, to see what kubelet makes of it. Two flag files:
 *
 *   live    the liveness probe runs `cat` on it; without it the container is restarted
 *   ready   GET /readiness says 200 while it exists; without it the pod gets no traffic, and nothing is restarted
 *
 * Both are written at the start. So a restart heals a lost `live`, although the volume that holds it survives the restart.
 */
import { access, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { hostname } from 'node:os';

const {
  FLAG_DIRECTORY: directory = '/run/app',
  PORT: port = '8080',
  DRAIN_SECONDS: drainSeconds = '5',
  VERSION: version = '1',
} = process.env;
const flag = (name: string): string => `${directory}/${name}`;
let draining = false;

async function isReady(): Promise<boolean> {
  // Asked of the file system without blocking: a probe must not hold up the requests that it is there to protect.
  const exists = await access(flag('ready')).then(
    () => true,
    () => false,
  );
  return exists && !draining;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?')[0];
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end('Only GET and HEAD\n');
  } else if (path === '/readiness') {
    const ready = await isReady();
    response.writeHead(ready ? 200 : 503).end(`${ready ? 'Ready' : 'Not ready'}! hostname: ${hostname()}\n`);
  } else {
    response.writeHead(200).end(`Hello from version ${version}! hostname: ${hostname()}\n`);
  }
}

const server = createServer((request, response) => {
  // During the drain every connection ends with its answer, so that the client connects anew: to another pod.
  response.shouldKeepAlive = !draining;
  void answer(request, response);
});

function shutDown(): void {
  if (draining) {
    return;
  }
  // Not ready first, and still serving: it takes a moment until every node has taken this pod out of the Service.
  draining = true;
  process.stdout.write(`draining for ${drainSeconds} s\n`);
  setTimeout(() => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  }, Number(drainSeconds) * 1000);
}

process.on('SIGTERM', shutDown);
process.on('SIGINT', shutDown);
await writeFile(flag('live'), '');
await writeFile(flag('ready'), '');
server.listen(Number(port), () => process.stdout.write(`version ${version} listens on ${port}\n`));
