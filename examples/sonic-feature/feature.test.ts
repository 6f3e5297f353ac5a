import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { installTools, makeDirectory, parseResult, probePath } from '../../container/test/sandbox.ts';
import { readRegistry } from '../../packages/cli/src/registry.ts';

jest.setTimeout(60_000);
// Not in beforeAll: concurrent tests do not wait for that.
installTools();

const folder = fileURLToPath(new URL('.', import.meta.url));
const scratch = makeDirectory();
const containers: Feature[] = [];

afterAll(async () => {
  await Promise.all(containers.map((container) => container.stop()));
  scratch.remove();
});

// What the image consists of, put over this machine's own files in namespaces of its own: supervisord runs as process 1.
const image = `
  mount -t proc proc /proc && mount -t tmpfs none /run && mkdir /run/gate || exit 99
  mount -t overlay -o lowerdir=$1/rootfs/usr/bin:/usr/bin overlay /usr/bin || exit 99
  mount --bind $1/rootfs/etc/supervisor /etc/supervisor || exit 99
  exec /usr/bin/supervisord -c /etc/supervisor/supervisord.conf`;

/** The example's container, without an image: same files, same process 1. */
class Feature {
  readonly #child: ChildProcess;
  readonly ended: Promise<unknown>;
  // A file, because supervisord opens /dev/stdout by name, which does not work with the sockets that Node uses as pipes.
  readonly #log = join(scratch.path, `log-${containers.length}`);

  constructor(env: Record<string, string>) {
    const log = openSync(this.#log, 'a');
    this.#child = spawn(
      'unshare',
      ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', image, 'sh', folder],
      {
        env: { PATH: process.env.PATH, FEATURE_VERSION: '1.0', FEATURE_FAULT: 'none', ...env },
        stdio: ['ignore', log, log],
      },
    );
    closeSync(log);
    this.ended = once(this.#child, 'exit');
    containers.push(this);
  }

  get output(): string {
    return readFileSync(this.#log, 'utf8');
  }

  /** Runs the readiness script inside, as `kubectl exec` would. */
  probe() {
    const children = readFileSync(`/proc/${this.#child.pid}/task/${this.#child.pid}/children`, 'utf8');
    const run = spawnSync('nsenter', [`--target=${children.trim()}`, '--mount', '--pid', probePath], {
      encoding: 'utf8',
    });
    return { ...run, result: parseResult(run.stdout) };
  }

  /** Probes until the result line has these values. */
  async until(wanted: Record<string, string>) {
    for (let tries = 0; ; tries += 1) {
      const run = this.probe();
      if (
        Object.entries(wanted).every(([key, value]) => run.result[key as keyof typeof run.result] === value)
      ) {
        return run;
      }
      if (tries > 60) {
        throw new Error(`still ${run.stdout} ${run.stderr}; ${this.output}`);
      }
      await sleep(250);
    }
  }

  /** Probes until the container has ended, which may be before the first response. */
  async untilEnd() {
    const runs: ReturnType<Feature['probe']>[] = [];
    let isOver = false;
    void this.ended.then(() => {
      isOver = true;
    });
    while (!isOver) {
      try {
        runs.push(this.probe());
      } catch (error) {
        // It has just ended.
        expect(error).toMatchObject({ code: 'ENOENT' });
      }
      await sleep(250);
    }
    return runs;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }
}

describe('the container', () => {
  test.concurrent('is ready once start has ended and the feature has its neighbours', async () => {
    const run = await new Feature({}).until({ stage: 'ready' });
    expect(run.result).toMatchObject({
      code: '0',
      state: 'EXITED',
      exitstatus: '0',
      source: 'xmlrpc',
      hook: '0',
    });
  });

  test.concurrent('stays at code 2 for as long as its version is blocked, and says why in its log', async () => {
    const gate = join(scratch.path, 'gate');
    mkdirSync(gate, { recursive: true });
    writeFileSync(join(gate, 'blocked-versions'), '1.9\n2.0-frozen\n');
    const feature = new Feature({
      FEATURE_VERSION: '2.0-frozen',
      FEATURE_BLOCKED_FILE: join(gate, 'blocked-versions'),
    });
    const run = await feature.until({ state: 'RUNNING' });
    expect(run.status).toBe(2);
    expect(run.stderr).toMatch(/start is RUNNING \(pid \d+, uptime .*\), not yet EXITED with status 0/);
    await sleep(2000);
    expect(feature.probe().status).toBe(2);
    expect(feature.output).toContain('startup gate: version 2.0-frozen is blocked on this node');
  });

  test.concurrent('is at code 2 when start ends with 3', async () => {
    const run = await new Feature({ FEATURE_FAULT: 'start-fails' }).until({ state: 'EXITED' });
    expect(run.result).toMatchObject({ stage: 'supervisor', code: '2', exitstatus: '3' });
  });

  test.concurrent('is at code 17 without neighbours', async () => {
    const run = await new Feature({ FEATURE_FAULT: 'hook-17' }).until({ code: '17' });
    expect(run.status).toBe(17);
    expect(run.stdout).toContain('no neighbour is connected');
  });

  test.concurrent('ends by itself when its critical process ends unexpectedly', async () => {
    const feature = new Feature({ FEATURE_FAULT: 'critical-dies' });
    await feature.ended;
    expect(feature.output).toContain(
      'exit listener: critical process featured ended unexpectedly; ending the container',
    );
  });

  test.concurrent('ends by itself when its critical process cannot be started', async () => {
    const feature = new Feature({ FEATURE_FAULT: 'critical-fatal' });
    // The readiness script leaves critical processes to the listener: whatever it says meanwhile, it is not about featured.
    const runs = await feature.untilEnd();
    for (const { result } of runs.filter(({ result }) => result.state === 'EXITED')) {
      expect(result).toMatchObject({ stage: 'hook', code: '18' });
    }
    // On a machine so busy that it dies later than startsecs, supervisord calls the same death an unexpected exit.
    expect(feature.output).toMatch(
      /exit listener: critical process featured (cannot be started|ended unexpectedly); ending the container/,
    );
  });
});

describe('the manifests', () => {
  const [, , daemonSet] = parseAllDocuments(readFileSync(join(folder, 'daemonset.yaml'), 'utf8')).map(
    (document) => document.toJS(),
  );
  const upgrade = parse(readFileSync(join(folder, 'upgrade.yaml'), 'utf8'));
  const [container] = daemonSet.spec.template.spec.containers;

  test('have the script as readiness probe only, with more time than the script takes at most', () => {
    expect(container.readinessProbe.exec.command).toEqual(['/usr/bin/readiness_probe.sh']);
    expect(container.readinessProbe.timeoutSeconds).toBeGreaterThanOrEqual(9);
    expect(Object.keys(container)).not.toContain('livenessProbe');
    expect(Object.keys(container)).not.toContain('startupProbe');
  });

  test('upgrade the DaemonSet that is there', () => {
    expect(upgrade.spec.targetRef).toEqual({
      apiVersion: 'apps/v1',
      kind: daemonSet.kind,
      name: daemonSet.metadata.name,
    });
    expect(upgrade.metadata.namespace).toBe(daemonSet.metadata.namespace);
    expect(upgrade.spec.containers.map((one: { name: string }) => one.name)).toEqual([container.name]);
  });

  test('explain exit codes as the registry does', () => {
    const registry = readRegistry(readFileSync(join(folder, 'codes.yaml'), 'utf8'));
    expect(upgrade.spec.postCheck.checks[0].exitCodes).toEqual(
      'rules' in registry ? registry.rules : registry.mistakes,
    );
  });
});
