/**
 * The main job, seen: a good version is verified and rolled out, a bad one is caught, rolled back, and the rollback verified, while a visitor keeps asking.
 * Ends with status 1 when anything of it did not happen; what happened is read from the API, never assumed.
 */
import { env, exit, stdout } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import { expectThat, kubectlIn, say, title } from './demo-stage.ts';

interface Upgrade {
  readonly metadata: { readonly generation: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly phase?: string;
    readonly message?: string;
    readonly summary?: string;
  };
}

const NAMESPACE = 'demo';
const GOOD = 'postcheck.local/app:v2';
const BAD = 'postcheck.local/app:bad17';
const EXAMPLE = 'examples/demo';
const PATIENCE_MS = 120_000;
const kubectl = kubectlIn(NAMESPACE);

/** Starts from nothing, so that the demo can be run again. */
async function prepare(): Promise<void> {
  kubectl('delete', 'namespace', NAMESPACE, '--ignore-not-found', '--wait=true', '--timeout=90s');
  kubectl('create', 'namespace', NAMESPACE);
  kubectl('apply', '-f', `${EXAMPLE}/web.yaml`);
  kubectl('rollout', 'status', 'deployment/web', '--timeout=120s');
  await visitorStarted();
  say('Deployment web runs app:v1 in 3 pods; a visitor asks its Service over and over');
}

async function visitorStarted(): Promise<void> {
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await sleep(500)) {
    if (
      kubectl('get', 'pod', 'visitor', '-o', 'jsonpath={.status.phase}') === 'Running' &&
      kubectl('logs', 'visitor').startsWith('start')
    ) {
      return;
    }
  }
  throw new Error('the visitor never reached the Service');
}

/** Follows the Upgrade until it has dealt with its present spec and rests in a phase; shows every change on the way. */
async function settled(): Promise<{ phase: string; message: string }> {
  let shown = '';
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await sleep(400)) {
    const { metadata, status } = JSON.parse(kubectl('get', 'upgrade', 'web', '-o', 'json')) as Upgrade;
    if (status?.observedGeneration !== metadata.generation) {
      continue;
    }
    const { phase = '', message = '', summary = '' } = status;
    const line = `${phase.padEnd(16)} ${summary.padEnd(4)} ${message}`;
    if (line !== shown) {
      say(line);
    }
    shown = line;
    if (['Succeeded', 'FellBack', 'FallbackFailed', 'Failed', 'Aborted'].includes(phase)) {
      return { phase, message };
    }
  }
  throw new Error(
    `the Upgrade did not come to an end in ${PATIENCE_MS / 1000} s; it last said: ${shown || 'nothing (is the operator running?)'}`,
  );
}

const images = () =>
  kubectl(
    'get',
    'pods',
    '-l',
    'app=web',
    '--field-selector=status.phase=Running',
    '-o',
    'jsonpath={range .items[?(@.metadata.deletionTimestamp=="")]}{.spec.containers[0].image} {end}',
  );
const template = () =>
  kubectl('get', 'deployment', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].image}');

function visitorHeard(): Map<string, number> {
  const heard = new Map<string, number>();
  for (const line of kubectl('logs', 'visitor').split('\n').slice(1)) {
    if (line) {
      heard.set(line, (heard.get(line) ?? 0) + 1);
    }
  }
  return heard;
}

async function goodVersion(): Promise<string> {
  title(`1. A good version: app:v1 → app:v2`);
  kubectl('apply', '-f', `${EXAMPLE}/upgrade.yaml`);
  const { phase, message } = await settled();
  expectThat(phase === 'Succeeded', 'the Upgrade ended as Succeeded', `it is ${phase}: ${message}`);
  expectThat(template() === GOOD, `Deployment web is set to ${GOOD}`);
  return message;
}

async function badVersion(): Promise<string> {
  title('2. A bad version, whose /usr/bin/readiness_probe.sh exits 17: app:v2 → app:bad17');
  kubectl(
    'patch',
    'upgrade',
    'web',
    '--type=merge',
    '-p',
    JSON.stringify({ spec: { containers: [{ name: 'web', image: BAD }] } }),
  );
  const { phase, message } = await settled();
  expectThat(phase === 'FellBack', 'the Upgrade ended as FellBack', `it is ${phase}: ${message}`);
  expectThat(message.includes('exited 17'), 'its sentence names exit code 17', message);
  expectThat(template() === GOOD && !images().includes(BAD), `Deployment web is back on ${GOOD}`);
  return message;
}

function visitor(): void {
  title('3. What the visitor heard meanwhile');
  const heard = visitorHeard();
  const total = [...heard.values()].reduce((sum, count) => sum + count, 0);
  say(`${total} requests: ${[...heard].map(([answer, count]) => `${answer} ${count}`).join(', ')}`);
  expectThat((heard.get('v1') ?? 0) > 0 && (heard.get('v2') ?? 0) > 0, 'it heard app:v1, then app:v2');
  expectThat(!heard.has('failed'), 'no request failed');
  expectThat(!heard.has('bad17'), 'the bad version answered none');
}

try {
  await prepare();
  const sentences = [await goodVersion(), await badVersion()];
  visitor();
  title('What happened and why, in one sentence each');
  for (const sentence of sentences) {
    stdout.write(`  ${sentence}\n`);
  }
  const kubeconfig = env['CONTEXT']
    ? ''
    : 'export KUBECONFIG=$PWD/.cluster/kubeconfig PATH=$PWD/.cluster/bin:$PATH; ';
  stdout.write(`\nThe cluster is still running. Look:  ${kubeconfig}kubectl -n ${NAMESPACE} get upgrades\n`);
  stdout.write(
    env['CONTEXT']
      ? `Take the demo away:  kubectl delete namespace ${NAMESPACE}; helm uninstall postcheck -n postcheck-system\n`
      : 'Take it down:  make cluster-down\n',
  );
} catch (error) {
  stdout.write(
    `\n${styleText('red', `The demo failed: ${error instanceof Error ? error.message : String(error)}`)}\n`,
  );
  exit(1);
}
