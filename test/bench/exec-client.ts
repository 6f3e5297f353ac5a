/** Our exec session alone, as the operator uses it: `node exec-client.ts KUBECONFIG CONTEXT NAMESPACE POD,POD TRIES AT_ONCE WARM_UP`; prints one line of JSON. */
import { connect } from '../../src/kube/cluster.ts';

const [kubeconfig = '', context = '', namespace = '', pods = '', tries = '100', atOnce = '1', warmUp = '0'] =
  process.argv.slice(2);
const cluster = await connect({
  kubeconfig,
  context: context || undefined,
  namespaces: [],
  identity: 'bench',
  gatePolicyName: 'postcheck-gate',
});
const names = pods.split(',');
let next = 0;
let failed = 0;

async function worker(end: number): Promise<void> {
  while (next < end) {
    const pod = names[next++ % names.length] ?? '';
    const result = await cluster.executor.exec(
      {
        namespace,
        pod,
        container: 'app',
        command: ['/usr/bin/readiness_probe.sh'],
        timeoutMs: 10_000,
        maxOutputBytes: 1024,
      },
      new AbortController().signal,
    );
    if (result.kind !== 'exit' || result.code !== 0) {
      failed++;
    }
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
await cluster.close();
process.exit(0);
