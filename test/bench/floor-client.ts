/**
 * What an exec costs in Node at the least: one WebSocket, the status frame, nothing else. No limits, no deadlines, no output, no errors told.
 * `node floor-client.ts KUBECONFIG CONTEXT NAMESPACE POD,POD TRIES AT_ONCE WARM_UP`; prints one line of JSON, as exec-client.ts does.
 */
import { Agent } from 'node:https';
import WebSocket from 'ws';
import { agentTls, Connection } from '../../src/kube/client/connection.ts';
import { runLoad } from './exec-load.ts';

const [kubeconfig = '', context = '', namespace = '', pods = '', tries = '100', atOnce = '1', warmUp = '0'] =
  process.argv.slice(2);
const connection = new Connection({ kubeconfig, context: context || undefined });
const { headers, tls } = await connection.credentials();
const agent = new Agent({ ...agentTls(tls), keepAlive: false });
const query = 'container=app&stdout=true&stderr=true&command=%2Fusr%2Fbin%2Freadiness_probe.sh';

function exec(pod: string): Promise<boolean> {
  const url = `wss://${connection.server.host}/api/v1/namespaces/${namespace}/pods/${pod}/exec?${query}`;
  const socket = new WebSocket(url, ['v5.channel.k8s.io'], { headers, agent, perMessageDeflate: false });
  return new Promise((resolve) => {
    socket.on('message', (data: Buffer) => {
      if (data[0] === 3) {
        socket.terminate();
        resolve(data.includes('"Success"'));
      }
    });
  });
}

const load = { pods: pods.split(','), tries: Number(tries), atOnce: Number(atOnce), warmUp: Number(warmUp) };
await runLoad(load, exec);
process.exit(0);
