/**
 * A fleet in stages, seen: the canary node is verified and waits for a person; among the rest one node has a chip that the new version cannot
 * drive, and exactly that node goes back. Ends with status 1 when anything of it did not happen; what happened is read from the API.
 */
import { spawnSync } from 'node:child_process';
import { env, execPath, exit, stdout } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import { context, expectThat, kubectlIn, say, title } from './demo-stage.ts';

interface Upgrade {
  readonly metadata: { readonly generation: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly phase?: string;
    readonly message?: string;
    readonly stage?: string;
    readonly stages?: readonly { readonly name: string; readonly state: string }[];
    readonly left?: readonly { readonly name?: string; readonly node?: string }[];
  };
}
type Status = NonNullable<Upgrade['status']>;

const NAMESPACE = env['DEMO_NAMESPACE'] ?? 'demo-fleet';
const EXAMPLE = 'examples/demo';
const [RING, CHIP] = ['demo.postcheck.dev/ring', 'demo.postcheck.dev/chip'];
const PATIENCE_MS = 180_000;
const kubectl = kubectlIn(NAMESPACE);

const nodes = (): string[] =>
  kubectl('get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}').split(' ').filter(Boolean).sort();

/** Of each node, the image that its pod runs; one that is being deleted has a successor there already. */
const imageByNode = (): Map<string, string> =>
  new Map(
    kubectl(
      'get',
      'pods',
      '-l',
      'app=switchd',
      '-o',
      'jsonpath={range .items[*]}{.spec.nodeName} {.spec.containers[0].image} {.metadata.deletionTimestamp}{"\\n"}{end}',
    )
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' '))
      .filter(([, , deletedAt]) => !deletedAt)
      .map(([node = '', image = '']) => [node, image]),
  );
const imagesText = () => [...imageByNode()].map(([node, image]) => `${node} ${image}`).join(', ');

/** Starts from nothing, so that the demo can be run again. */
function prepare(all: readonly string[], canary: string, odd: string): void {
  kubectl('delete', 'namespace', NAMESPACE, '--ignore-not-found', '--wait=true', '--timeout=90s');
  kubectl('create', 'namespace', NAMESPACE);
  for (const node of all) {
    const labels = [
      `${RING}=${node === canary ? 'canary' : 'rest'}`,
      `${CHIP}=${node === odd ? 'td3' : 'th2'}`,
    ];
    kubectl('label', 'node', node, ...labels, '--overwrite');
  }
  const inventory = all.map((node) => `--from-literal=${node}=${node === odd ? 'td3' : 'th2'}`);
  kubectl('create', 'configmap', 'inventory', ...inventory);
  kubectl('apply', '-f', `${EXAMPLE}/fleet.yaml`);
  kubectl('wait', 'pods', '-l', 'app=switchd', '--for=condition=Ready', '--timeout=120s');
  say(`DaemonSet switchd runs app:v1 on ${all.length} nodes; ${odd} has the chip td3, the others th2`);
}

/** Follows the Upgrade until `isThere`; shows every change on the way. */
async function until(what: string, isThere: (status: Status) => boolean): Promise<Status> {
  let shown = '';
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(400)) {
    const { metadata, status } = JSON.parse(kubectl('get', 'upgrade', 'switchd', '-o', 'json')) as Upgrade;
    if (status?.observedGeneration !== metadata.generation) {
      continue;
    }
    const line = `${(status.phase ?? '').padEnd(12)} ${(status.stage ?? '').padEnd(10)} ${status.message}`;
    if (line !== shown) {
      say(line);
    }
    shown = line;
    if (isThere(status)) {
      return status;
    }
  }
  throw new Error(
    `${what} did not come in ${PATIENCE_MS / 1000} s; the Upgrade last said: ${shown || 'nothing'}`,
  );
}

async function canaryFirst(canary: string): Promise<void> {
  title('1. The canary node, and then a person');
  kubectl('apply', '-f', `${EXAMPLE}/fleet-upgrade.yaml`);
  await until('the wait for approval', ({ stages }) => stages?.[0]?.state === 'AwaitingApproval');
  const upgraded = [...imageByNode()].filter(([, image]) => image.endsWith(':v2')).map(([node]) => node);
  expectThat(upgraded.join() === canary, `app:v2 runs on ${canary} alone`, imagesText());
}

async function theRest(odd: string): Promise<string> {
  title('2. The rest, one of which has another chip');
  kubectl('annotate', 'upgrade', 'switchd', 'postcheck.dev/approve=1/canary', '--overwrite');
  const ENDED = ['Succeeded', 'Partial', 'FellBack', 'FallbackFailed', 'Failed', 'Aborted'];
  const {
    phase,
    message = '',
    left = [],
  } = await until('the end', (status) => ENDED.includes(status.phase ?? ''));
  expectThat(phase === 'Partial', 'the Upgrade ended as Partial', `it is ${phase}: ${message}`);
  const old = [...imageByNode()].filter(([, image]) => image.endsWith(':v1')).map(([node]) => node);
  expectThat(old.join() === odd, `app:v1 runs again on ${odd} alone`, imagesText());
  expectThat(
    left.length === 1 && JSON.stringify(left).includes(odd),
    'the status lists it',
    JSON.stringify(left),
  );
  expectThat(message.includes('ChipUnsupported'), 'its sentence says why', message);
  expectThat(message.includes(`${CHIP}=td3`), 'and names the label that tells it from the others', message);
  return message;
}

function tree(): void {
  title('What kubectl postcheck tree shows');
  const {
    status,
    stdout: output,
    stderr,
  } = spawnSync(execPath, ['packages/cli/src/main.ts', 'tree', 'switchd', '-n', NAMESPACE, ...context], {
    encoding: 'utf8',
  });
  expectThat(status === 0, 'the tree is printed', stderr);
  stdout.write(output);
}

const all = nodes();
let failed = false;
try {
  const [canary = '', odd = ''] = [all[0], all.at(-1)];
  expectThat(all.length >= 3, 'the cluster has three nodes', `it has ${all.length}`);
  prepare(all, canary, odd);
  await canaryFirst(canary);
  const sentence = await theRest(odd);
  tree();
  stdout.write(`\n  ${sentence}\n`);
} catch (error) {
  stdout.write(
    `\n${styleText('red', `The demo failed: ${error instanceof Error ? error.message : String(error)}`)}\n`,
  );
  failed = true;
} finally {
  for (const node of all) {
    kubectl('label', 'node', node, `${RING}-`, `${CHIP}-`);
  }
}
exit(failed ? 1 : 0);
