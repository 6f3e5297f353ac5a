/** Our exec session alone, as the operator uses it: `node exec-client.ts KUBECONFIG CONTEXT NAMESPACE POD,POD TRIES AT_ONCE WARM_UP`; prints one line of JSON. */
import { connect } from '../../src/kube/cluster.ts';
import { runLoad } from './exec-load.ts';

const [kubeconfig = '', context = '', namespace = '', pods = '', tries = '100', atOnce = '1', warmUp = '0'] =
  process.argv.slice(2);
const cluster = await connect({
  kubeconfig,
  context: context || undefined,
  namespaces: [],
  identity: 'bench',
  gatePolicyName: 'postcheck-gate',
});
const load = { pods: pods.split(','), tries: Number(tries), atOnce: Number(atOnce), warmUp: Number(warmUp) };
await runLoad(load, async (pod) => {
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
  return result.kind === 'exit' && result.code === 0;
});
await cluster.close();
process.exit(0);
