import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { installTools, parseResult, spawnProbe, writeProgram } from './test/sandbox.ts';
import { Supervisord } from './test/supervisord.ts';

jest.setTimeout(400_000);

const sections = `
[program:start]
command=sh -c "exit 0"
startsecs=0
autorestart=false
[program:application]
command=sh -c "while :; do date +%%s%%N >DIR/beat.new && mv DIR/beat.new DIR/beat; sleep 0.2; done"
[program:burner]
command=nice -n 19 sh -c "while :; do :; done"
`;

let container: Supervisord;
let inside: number;
let hook: string;

beforeAll(async () => {
  installTools();
  // supervisord as process 1 of a process namespace: it inherits every orphan, as it would in a container.
  container = new Supervisord({ sections, asProcess1: true });
  hook = writeProgram(
    container.directory,
    'hook',
    `#!/bin/sh\ntest -s ${container.directory}/beat || exit 40\necho fine\n`,
  );
  await container.until({ start: 'EXITED', application: 'RUNNING', burner: 'RUNNING' });
  inside = Number(readFileSync(`/proc/${container.pid}/task/${container.pid}/children`, 'utf8').trim());
  // Long enough ago that the script need not look at `start` a second time.
  await sleep(2500);
}, 120_000);

afterAll(() => container.stop());

/** Numbers, as the host sees them, of all processes below supervisord. */
function below(pid: number): number[] {
  let children: number[] = [];
  try {
    const tasks = readdirSync(`/proc/${pid}/task`).map((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8'),
    );
    children = tasks.join(' ').split(' ').filter(Boolean).map(Number);
  } catch {
    // It has ended meanwhile.
  }
  return [...children, ...children.flatMap(below)];
}

function beat(): number {
  return Number(readFileSync(`${container.directory}/beat`, 'utf8'));
}

/** One run; with a delay it is killed after it, as a runtime does when its own patience ends. */
async function probeOnce(killAfterMs?: number): Promise<{ code: number | null; stdout: string }> {
  const child = spawnProbe({
    inside,
    env: {
      POSTCHECK_SUPERVISOR_CONFIG: container.config,
      POSTCHECK_HOOK: hook,
      POSTCHECK_HOOK_SECONDS: '20',
      POSTCHECK_SUPERVISOR_SECONDS: '20',
    },
  });
  let stdout = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const ended = new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  // The child is nsenter, which waits for the script; below(…) begins with the script.
  const kill = () => {
    const [script] = below(child.pid as number);
    try {
      if (script !== undefined) {
        process.kill(script, 'SIGKILL');
      }
    } catch {
      // It has ended meanwhile.
    }
  };
  const timer = killAfterMs === undefined ? undefined : setTimeout(kill, killAfterMs);
  const code = await ended;
  clearTimeout(timer);
  return { code, stdout };
}

test('an undisturbed run leaves nothing for process 1 to clean up', async () => {
  for (let run = 0; run < 10; run += 1) {
    expect((await probeOnce()).code).toBe(0);
  }
  expect(container.log()).not.toContain('reaped unknown pid');
});

test('1,000 runs under load, some of them killed at random, do the application no harm', async () => {
  const before = await container.processes();
  const descriptors = readdirSync(`/proc/${inside}/fd`).length;
  const counts = { ready: 0, killed: 0, other: [] as string[] };
  let left = 1000;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      const kill = left % 5 === 0;
      const { code, stdout } = await probeOnce(kill ? Math.random() * 150 : undefined);
      if (code === 0 && parseResult(stdout).stage === 'ready') {
        counts.ready += 1;
      } else if (kill && code !== 0) {
        counts.killed += 1;
      } else {
        counts.other.push(`${code}: ${stdout}`);
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));

  expect(counts.other).toEqual([]);
  expect(counts.ready + counts.killed).toBe(1000);
  expect(counts.ready).toBeGreaterThanOrEqual(800);
  expect(counts.killed).toBeGreaterThan(20);
  expect(await container.processes()).toEqual(before);
  const last = beat();
  await sleep(7000);
  expect(beat()).toBeGreaterThan(last);
  // The application's own children come and go: the burner, the application and its sleep or date.
  expect(below(inside).length).toBeLessThanOrEqual(3);
  expect(readdirSync(`/proc/${inside}/fd`).length).toBeLessThanOrEqual(descriptors);
});
