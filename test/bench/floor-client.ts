/**
 * What an exec costs in Node at the least: one WebSocket, the status frame, nothing else. No limits, no deadlines, no output, no errors told.
 * `node floor-client.ts KUBECONFIG CONTEXT NAMESPACE POD,POD TRIES AT_ONCE WARM_UP`; prints one line of JSON, as exec-client.ts does.
 */
import { Agent } from 'node:https';
import WebSocket from 'ws';
import { agentTls, Connection } from '../../src/kube/client/connection.ts';

const [kubeconfig = '', context = '', namespace = '', pods = '', tries = '100', atOnce = '1', warmUp = '0'] =
  process.argv.slice(2);
const connection = new Connection({ kubeconfig, context: context || undefined });
const { headers, tls } = await connection.credentials();
const agent = new Agent({ ...agentTls(tls), keepAlive: false });
const query = 'container=app&stdout=true&stderr=true&command=%2Fusr%2Fbin%2Freadiness_probe.sh';
const names = pods.split(',');
let next = 0;
let failed = 0;

function exec(pod: string): Promise<void> {
  const url = `wss://${connection.server.host}/api/v1/namespaces/${namespace}/pods/${pod}/exec?${query}`;
  const socket = new WebSocket(url, ['v5.channel.k8s.io'], { headers, agent, perMessageDeflate: false });
  return new Promise((done) => {
    socket.on('message', (data: Buffer) => {
      if (data[0] === 3) {
        failed += data.includes('"Success"') ? 0 : 1;
        socket.terminate();
        done();
      }
    });
  });
}

async function worker(end: number): Promise<void> {
  while (next < end) {
    await exec(names[next++ % names.length] ?? '');
  }
}

async function run(count: number): Promise<void> {
  const end = next + count;
  await Promise.all(Array.from({ length: Number(atOnce) }, () => worker(end)));
}

await run(Number(warmUp));
const cpu = process.cpuUsage();
const began = performance.now();
await run(Number(tries));
const { user, system } = process.cpuUsage(cpu);
process.stdout.write(
  `${JSON.stringify({ seconds: (performance.now() - began) / 1000, cpuSeconds: (user + system) / 1e6, failed })}\n`,
);
process.exit(0);
