import { chmodSync, copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, jest, test } from '@jest/globals';
import {
  installTools,
  makeDirectory,
  makeToolDirectory,
  type ProbeOptions,
  runProbe,
  type Shell,
  shells,
  writeProgram,
} from './test/sandbox.ts';
import { programs, rows, settled } from './test/start-rows.ts';
import { Supervisord } from './test/supervisord.ts';

jest.setTimeout(180_000);

const nobody = 65534;

const scratch = makeDirectory();
const tools = new Map<string, string>();
const daemons: Supervisord[] = [];
// Not in beforeAll: concurrent tests do not wait for that.
installTools();
for (const shell of shells) {
  for (const extra of [[], ['supervisorctl'], ['python3']]) {
    tools.set([shell, ...extra].join(), makeToolDirectory(scratch.path, shell, extra));
  }
}
const main = start({ sections: programs });
await main.until(settled);
await main.call('stopProcess', 'stopped', true);
await main.call('stopProcess', 'stopping', false);
// Past the two seconds in which the script looks a second time at a program that has only just ended.
await main.until({ stopped: 'STOPPED', stopping: 'STOPPING' });

afterAll(async () => {
  await Promise.all(daemons.map((daemon) => daemon.stop()));
  scratch.remove();
});

function start(options: ConstructorParameters<typeof Supervisord>[0]): Supervisord {
  const daemon = new Supervisord(options);
  daemons.push(daemon);
  return daemon;
}

/** Runs the script with the tools of a small image plus the named ones. */
function probe(shell: Shell, extra: string, env: Record<string, string>, options: ProbeOptions = {}) {
  const key = extra === '' ? shell : `${shell},${extra}`;
  return runProbe({
    shell,
    ...options,
    env: {
      POSTCHECK_PATH: tools.get(key) as string,
      POSTCHECK_HOOK: '/nonexistent',
      POSTCHECK_SUPERVISOR_SECONDS: '20',
      ...env,
    },
  });
}

const good = '[program:start]\ncommand=sh -c "exit 0"\nstartsecs=0\nautorestart=false';

describe.each(shells)('under %s', (shell) => {
  describe.each([
    { tool: 'python3', source: 'xmlrpc' },
    { tool: 'supervisorctl', source: 'supervisorctl' },
  ])('with $tool in the image', ({ tool, source }) => {
    test.concurrent.each(rows)(
      'a start program $situation',
      async ({ service, code, state, exitstatus, says }) => {
        const run = await probe(shell, tool, {
          POSTCHECK_SERVICE: service,
          POSTCHECK_SUPERVISOR_CONFIG: main.config,
        });
        expect(run.stderr).toMatch(says);
        expect(run.code).toBe(code);
        expect(run.result).toMatchObject({ stage: code === 0 ? 'ready' : 'supervisor', code: String(code) });
        expect(run.result.state).toMatch(state);
        if (exitstatus !== '') {
          expect(run.result.exitstatus).toBe(exitstatus);
        }
        expect(run.result.source).toBe(
          source === 'supervisorctl' && run.result.state === 'EXITED' ? 'supervisorctl+log' : source,
        );
      },
    );

    test.concurrent('a socket file that is missing is reported', async () => {
      const run = await probe(shell, tool, {
        POSTCHECK_SUPERVISOR_SOCKET: join(scratch.path, 'missing.sock'),
        POSTCHECK_SUPERVISOR_CONFIG: main.config,
      });
      expect(run.stderr).toMatch(/missing\.sock.*no such file/i);
      expect(run.result).toMatchObject({
        stage: 'supervisor',
        code: '2',
        state: 'UNREACHABLE',
        exitstatus: '-',
      });
      expect(run.code).toBe(2);
    });

    test.concurrent('a configuration file that is missing is reported', async () => {
      const run = await probe(shell, tool, { POSTCHECK_SUPERVISOR_CONFIG: '/nonexistent/supervisord.conf' });
      expect(run.stderr).toMatch(/\/nonexistent\/supervisord\.conf/);
      expect(run.result).toMatchObject({ code: '2', state: 'UNREACHABLE' });
    });

    test.concurrent('a socket that belongs to root is reported to another user', async () => {
      const run = await probe(
        shell,
        tool,
        { POSTCHECK_SUPERVISOR_CONFIG: main.config, POSTCHECK_SERVICE: 'good' },
        { uid: nobody },
      );
      expect(run.stderr).toMatch(/permission ?(denied|error)/i);
      expect(run.result).toMatchObject({ code: '2', state: 'UNREACHABLE' });
    });
  });

  test.concurrent('a program that ends with 0 and is restarted for ever is not taken as done', async () => {
    const run = await probe(shell, 'python3', {
      POSTCHECK_SERVICE: 'passing_loop',
      POSTCHECK_SUPERVISOR_CONFIG: main.config,
    });
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/passing_loop is (RUNNING|STARTING)/);
  });

  test.concurrent('without python3 the log tells the exit status, and without the log the answer is strict unless the image says otherwise', async () => {
    const config = join(scratch.path, `no-log-${shell}.conf`);
    writeFileSync(config, `[supervisorctl]\nserverurl=unix://${main.socket}\n`);
    const env = { POSTCHECK_SERVICE: 'good', POSTCHECK_SUPERVISOR_CONFIG: config };
    const strict = await probe(shell, 'supervisorctl', env);
    expect(strict.stderr).toMatch(/cannot be learned/);
    expect(strict.result).toMatchObject({
      code: '2',
      state: 'EXITED',
      exitstatus: '?',
      source: 'supervisorctl',
    });
    const lenient = await probe(shell, 'supervisorctl', { ...env, POSTCHECK_STRICT: '0' });
    expect(lenient.stderr).toMatch(/taken as 0 because POSTCHECK_STRICT=0/);
    expect(lenient.result).toMatchObject({ stage: 'ready', code: '0', exitstatus: '?' });
  });

  test.concurrent.each(['python3', 'supervisorctl'])(
    'with %s a start that stands last in a long list is found',
    async (tool) => {
      const many = Array.from(
        { length: 300 },
        (_, index) =>
          `[program:a_program_with_a_rather_long_name_${index}]\ncommand=sleep 1\nautostart=false`,
      );
      const daemon = start({
        sections: `${many.join('\n')}\n[program:start]\ncommand=sh -c "exit 6"\nstartsecs=0\nautorestart=false`,
      });
      await daemon.until({ start: 'EXITED' });
      const run = await probe(shell, tool, { POSTCHECK_SUPERVISOR_CONFIG: daemon.config });
      expect(run.result).toMatchObject({ code: '2', state: 'EXITED', exitstatus: '6' });
    },
  );

  test.concurrent('a supervisord that nothing in the image can ask is a failure', async () => {
    const run = await probe(shell, '', { POSTCHECK_SUPERVISOR_CONFIG: main.config });
    expect(run.stderr).toMatch(/no working python3 and no supervisorctl/);
    expect(run.result).toMatchObject({ code: '2', state: 'UNREACHABLE', source: 'none' });
  });

  test.concurrent('an image without any supervisor skips the check', async () => {
    const run = await probe(shell, 'python3', {});
    expect(run.result).toMatchObject({ stage: 'ready', code: '0', state: 'ABSENT', source: 'none' });
  });

  test.concurrent('a python3 that does not work is no obstacle', async () => {
    const path = makeToolDirectory(scratch.path, shell, ['supervisorctl', 'cat']);
    writeProgram(path, 'python3', '#!/bin/sh\nexit 1\n');
    const run = await probe(shell, '', {
      POSTCHECK_PATH: path,
      POSTCHECK_SERVICE: 'failed',
      POSTCHECK_SUPERVISOR_CONFIG: main.config,
    });
    expect(run.result).toMatchObject({ code: '2', exitstatus: '3', source: 'supervisorctl+log' });
  });

  test.concurrent('the failed start is reported at once and the hook is not run', async () => {
    const run = await probe(shell, 'python3', {
      POSTCHECK_SERVICE: 'failed',
      POSTCHECK_SUPERVISOR_CONFIG: main.config,
      POSTCHECK_HOOK: '/bin/false',
    });
    expect(run.result).toMatchObject({ stage: 'supervisor', hook: '-' });
  });
});

describe.each(['python3', 'supervisorctl'])('with %s in the image, a supervisord', (tool) => {
  test('that listens on a port only is asked there', async () => {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const daemon = start({ sections: `${good}\n[inet_http_server]\nport=127.0.0.1:${port}` });
    await daemon.until({ start: 'EXITED' });
    const config = join(scratch.path, `port-${tool}.conf`);
    writeFileSync(
      config,
      `[supervisord]\nlogfile=${daemon.logFile}\n[supervisorctl]\nserverurl=http://127.0.0.1:${port}\n`,
    );
    const run = await probe('dash', tool, { POSTCHECK_SUPERVISOR_CONFIG: config });
    expect(run.result).toMatchObject({ stage: 'ready', state: 'EXITED', exitstatus: '0' });
  });

  test.concurrent('that hangs is given up after the time limit', async () => {
    const daemon = start({ sections: good });
    await daemon.until({ start: 'EXITED' });
    daemon.signal('SIGSTOP');
    const run = await probe('dash', tool, {
      POSTCHECK_SUPERVISOR_CONFIG: daemon.config,
      POSTCHECK_SUPERVISOR_SECONDS: '1',
    });
    expect(run.stderr).toMatch(/no answer after 1 s/);
    expect(run.result).toMatchObject({ stage: 'supervisor', code: '2', state: 'UNREACHABLE' });
  });

  test.concurrent('that was killed and left its socket behind is reported', async () => {
    const daemon = start({ sections: good });
    await daemon.until({ start: 'EXITED' });
    await daemon.kill();
    expect(existsSync(daemon.socket)).toBe(true);
    const run = await probe('busybox', tool, { POSTCHECK_SUPERVISOR_CONFIG: daemon.config });
    expect(run.stderr).toMatch(/refused/i);
    expect(run.result).toMatchObject({ code: '2', state: 'UNREACHABLE' });
  });

  test.concurrent('that shuts down is reported', async () => {
    const daemon = start({
      sections: `${good}\n[program:slow]\ncommand=sh -c "trap : TERM; while :; do sleep 1; done"\nstartsecs=0\nstopwaitsecs=3600`,
    });
    await daemon.until({ start: 'EXITED', slow: 'RUNNING' });
    await daemon.call('shutdown');
    const run = await probe('dash', tool, { POSTCHECK_SUPERVISOR_CONFIG: daemon.config });
    expect(run.stderr).toMatch(/SHUTDOWN_STATE/);
    expect(run.result).toMatchObject({ code: '2', state: 'UNREACHABLE' });
  });

  test.concurrent('that asks for a login gets it from its own configuration, and without it the probe says so', async () => {
    const login = 'username=probe\npassword=secret';
    const [open, closed] = [
      start({ sections: good, server: login, client: login }),
      start({ sections: good, server: login }),
    ];
    await Promise.all([waitForSocket(open), waitForSocket(closed)]);
    const refused = await probe('busybox', tool, { POSTCHECK_SUPERVISOR_CONFIG: closed.config });
    expect(refused.stderr).toMatch(/login|requires authentication/);
    expect(refused.result).toMatchObject({ code: '2', state: 'UNREACHABLE' });
    const accepted = await probe('busybox', tool, { POSTCHECK_SUPERVISOR_CONFIG: open.config });
    expect(accepted.result).toMatchObject({ code: '0', state: 'EXITED' });
    expect(accepted.stdout + accepted.stderr).not.toContain('secret');
  });

  test.concurrent('that lost track of a program is reported, also to a user who is not root', async () => {
    // A program that became root cannot be stopped by a daemon that is not: it ends in UNKNOWN.
    const daemon = start({
      sections:
        '[program:start]\ncommand=DIR/become-root --reuid=0 --regid=0 --clear-groups sleep 3600\nstartsecs=0',
      server: 'chmod=0777',
      uid: nobody,
      prepare: (directory) => {
        chmodSync(directory, 0o777);
        copyFileSync('/usr/bin/setpriv', join(directory, 'become-root'));
        chmodSync(join(directory, 'become-root'), 0o4755);
      },
    });
    await daemon.until({ start: 'RUNNING' });
    const pid = (await daemon.processes())[0]?.pid;
    while (!/^Uid:\t0\t/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) {
      await sleep(20);
    }
    await daemon.call('stopProcess', 'start', false);
    await daemon.until({ start: 'UNKNOWN' });
    const run = await probe('dash', tool, { POSTCHECK_SUPERVISOR_CONFIG: daemon.config }, { uid: nobody });
    expect(run.result).toMatchObject({ stage: 'supervisor', code: '2', state: 'UNKNOWN' });
  });
});

// With a login required the test's own calls are refused too; a log line says that the program has ended.
async function waitForSocket(daemon: Supervisord): Promise<void> {
  while (!daemon.log().includes('exited: start')) {
    await sleep(50);
  }
}
