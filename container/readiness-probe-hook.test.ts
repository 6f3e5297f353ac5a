import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { Check } from '../src/api/schema-check.ts';
import {
  installTools,
  makeDirectory,
  makeToolDirectory,
  type ProbeOptions,
  probePath,
  runProbe,
  type Shell,
  shells,
  spawnProbe,
  writeProgram,
} from './test/sandbox.ts';

jest.setTimeout(180_000);

const scratch = makeDirectory();
const tools = new Map<string, string>();

// Not in beforeAll: concurrent tests do not wait for that.
installTools();
for (const shell of shells) {
  tools.set(shell, makeToolDirectory(scratch.path, shell, ['python3']));
}

afterAll(() => scratch.remove());

/** Runs the script in an image without supervisor, so that only the hook counts. */
function probe(shell: Shell, hook: string, env: Record<string, string> = {}, options: ProbeOptions = {}) {
  return runProbe({
    shell,
    ...options,
    env: {
      POSTCHECK_PATH: tools.get(shell) as string,
      POSTCHECK_HOOK: hook,
      POSTCHECK_HOOK_SECONDS: '20',
      ...env,
    },
  });
}

let count = 0;
function hookOf(text: string): string {
  count += 1;
  return writeProgram(scratch.path, `hook-${count}`, text);
}

let seconds = 4200;
/** The command line of a sleep that no other test has: tests of two shells run at the same time. */
const longSleep = (): string => `sleep ${++seconds}`;

/** The first bytes of a program for a big-endian 32-bit MIPS. */
const mips = Buffer.from([
  0x7f, 0x45, 0x4c, 0x46, 1, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 8, 0, 0, 0, 1,
]);

const exits = [
  { hook: 'returns 0', text: '#!/bin/sh\nexit 0\n', code: 0, returned: '0', says: /ready/ },
  { hook: 'returns 17', text: '#!/bin/sh\nexit 17\n', code: 17, returned: '17', says: /hook returned 17/ },
  {
    hook: 'returns 3, the first code of its own',
    text: '#!/bin/sh\nexit 3\n',
    code: 3,
    returned: '3',
    says: /hook returned 3/,
  },
  {
    hook: 'returns 119, the last code of its own',
    text: '#!/bin/sh\nexit 119\n',
    code: 119,
    returned: '119',
    says: /hook returned 119/,
  },
  {
    hook: 'returns 120, which is reserved',
    text: '#!/bin/sh\nexit 120\n',
    code: 120,
    returned: '120',
    says: /reserved code 120/,
  },
  {
    hook: 'returns 124, which is reserved',
    text: '#!/bin/sh\nexit 124\n',
    code: 120,
    returned: '124',
    says: /reserved code 124/,
  },
  {
    hook: 'returns 125, which is reserved',
    text: '#!/bin/sh\nexit 125\n',
    code: 120,
    returned: '125',
    says: /reserved code 125/,
  },
  {
    hook: 'is Python and raises',
    text: '#!/usr/bin/python3\nraise SystemError("boom")\n',
    code: 1,
    returned: '1',
    says: /crashed/,
  },
  {
    hook: 'is Python and exits with a text',
    text: '#!/usr/bin/python3\nimport sys\nsys.exit("text")\n',
    code: 1,
    returned: '1',
    says: /crashed/,
  },
  {
    hook: 'is Python and exits with 300',
    text: '#!/usr/bin/python3\nimport sys\nsys.exit(300)\n',
    code: 44,
    returned: '44',
    says: /returned 44/,
  },
  {
    hook: 'is Python and exits with 256',
    text: '#!/usr/bin/python3\nimport sys\nsys.exit(256)\n',
    code: 0,
    returned: '0',
    says: /ready/,
  },
  {
    hook: 'is Python and exits with -1',
    text: '#!/usr/bin/python3\nimport sys\nsys.exit(-1)\n',
    code: 255,
    returned: '255',
    says: /returned 255; its own codes are 3-119/,
  },
  {
    hook: 'is Python with wrong arguments',
    text: '#!/usr/bin/python3\nimport argparse\np = argparse.ArgumentParser()\np.add_argument("x")\np.parse_args()\n',
    code: 120,
    returned: '2',
    says: /reserved code 2/,
  },
  {
    hook: 'is a shell script with a syntax error',
    text: '#!/bin/sh\nif then\n',
    code: 120,
    returned: '2',
    says: /reserved code 2/,
  },
  { hook: 'has no #! line', text: 'echo plain\nexit 9\n', code: 9, returned: '9', says: /returned 9/ },
  {
    hook: 'has a #! line that ends as in DOS',
    text: '#!/bin/sh\r\nexit 0\r\n',
    code: 127,
    returned: '127',
    says: /DOS line end/,
  },
  {
    hook: 'has an interpreter that is missing',
    text: '#!/usr/bin/perl7\nexit 0\n',
    code: 127,
    returned: '127',
    says: /interpreter was not found/,
  },
  {
    hook: 'is killed by TERM',
    text: '#!/bin/sh\nkill -TERM $$\n',
    code: 143,
    returned: '143',
    says: /signal TERM/,
  },
  {
    hook: 'is killed by KILL',
    text: '#!/bin/sh\nkill -KILL $$\n',
    code: 137,
    returned: '137',
    says: /signal KILL/,
  },
  {
    hook: 'kills its whole process group',
    text: '#!/bin/sh\nkill -KILL 0\n',
    code: 137,
    returned: '137',
    says: /signal KILL/,
  },
  {
    hook: 'ends its process group and survives that itself',
    text: '#!/bin/sh\ntrap "" TERM\nkill -TERM 0\nexit 8\n',
    code: 8,
    returned: '8',
    says: /returned 8/,
  },
];

describe.each(shells)('under %s', (shell) => {
  test.concurrent.each(exits)('a hook that $hook', async ({ text, code, returned, says }) => {
    const run = await probe(shell, hookOf(text));
    expect(run.stderr).toMatch(says);
    expect(run.code).toBe(code);
    expect(run.result).toMatchObject({
      stage: code === 0 ? 'ready' : 'hook',
      code: String(code),
      hook: returned,
      state: 'ABSENT',
      exitstatus: '-',
      source: 'none',
    });
  });

  test.concurrent('no hook at all is ready', async () => {
    const run = await probe(shell, '/nonexistent/hook');
    expect(run.result).toMatchObject({ stage: 'ready', code: '0', hook: 'none' });
    expect(run.code).toBe(0);
  });

  test.concurrent('an empty file verifies nothing, and the probe says so', async () => {
    const run = await probe(shell, hookOf(''));
    expect(run.stderr).toMatch(/empty file and verifies nothing/);
    expect(run.result).toMatchObject({ stage: 'ready', code: '0', hook: 'empty' });
  });

  describe('a hook that cannot run', () => {
    const cases = [
      {
        hook: 'a file without the x bit',
        code: 126,
        says: /not executable/,
        make: (path: string) => writeFileSync(path, '#!/bin/sh\nexit 0\n', { mode: 0o644 }),
      },
      {
        hook: 'a link to nothing',
        code: 127,
        says: /link to a file that does not exist/,
        make: (path: string) => symlinkSync('/nonexistent/target', path),
      },
      { hook: 'a directory', code: 126, says: /is a directory/, make: (path: string) => mkdirSync(path) },
      {
        hook: 'a program for another CPU',
        code: 126,
        says: /another kind of CPU/,
        make: (path: string) => writeFileSync(path, mips, { mode: 0o755 }),
      },
    ];
    test.concurrent.each(cases)(
      '$hook is $code, and ignored only when the image says so',
      async ({ make, code, says }) => {
        count += 1;
        const path = join(scratch.path, `hook-${count}`);
        make(path);
        const strict = await probe(shell, path);
        expect(strict.stderr).toMatch(says);
        expect(strict.code).toBe(code);
        expect(strict.result).toMatchObject({ stage: 'hook', code: String(code), hook: 'unrunnable' });
        const lenient = await probe(shell, path, { POSTCHECK_STRICT: '0' });
        expect(lenient.stderr).toMatch(/ignored because POSTCHECK_STRICT=0/);
        expect(lenient.result).toMatchObject({ stage: 'ready', code: '0', hook: 'ignored' });
      },
    );
  });

  test.concurrent('a hook that runs for ever is ended with its children, asked first and then forced', async () => {
    const asked = join(scratch.path, `asked-${shell}`);
    const sleeps = [longSleep(), longSleep()];
    const hook = hookOf(
      `#!/bin/sh\ntrap 'echo asked >${asked}' TERM\n${sleeps[0]} &\necho begun\nwhile :; do ${sleeps[1]}; done\n`,
    );
    const run = await probe(shell, hook, { POSTCHECK_HOOK_SECONDS: '3' });
    expect(run.stderr).toMatch(/still running after 3 s/);
    expect(run.code).toBe(124);
    expect(run.result).toMatchObject({ stage: 'hook', code: '124', hook: 'late' });
    expect(run.stdout).toMatch(/^begun$/m);
    expect(run.elapsedMs).toBeLessThan(30_000);
    expect(readFileSync(asked, 'utf8')).toBe('asked\n');
    expect(sleeps.filter(runs)).toEqual([]);
  });

  test.concurrent('a hook that ignores every polite signal is ended too', async () => {
    const left = longSleep();
    const run = await probe(shell, hookOf(`#!/bin/sh\ntrap "" TERM HUP INT\n${left}\n`), {
      POSTCHECK_HOOK_SECONDS: '1',
    });
    expect(run.code).toBe(124);
    expect(runs(left)).toBe(false);
  });

  test.concurrent('a hook that ends its process group and then hangs is still limited', async () => {
    const run = await probe(shell, hookOf(`#!/bin/sh\ntrap "" TERM\nkill -TERM 0\n${longSleep()}\n`), {
      POSTCHECK_HOOK_SECONDS: '1',
    });
    expect(run.code).toBe(124);
  });

  test.concurrent('a hook that floods its output is cut: beginning, end and the code are kept', async () => {
    const run = await probe(
      shell,
      hookOf('#!/bin/sh\necho first\nyes flood | head -n 200000\necho last\nexit 21\n'),
      {
        POSTCHECK_HOOK_SECONDS: '20',
      },
    );
    expect(run.code).toBe(21);
    expect(run.stdout).toMatch(/^first\n/);
    expect(run.stdout).toContain('[... output cut ...]');
    expect(run.stdout).toMatch(/\nlast\npostcheck: stage=hook code=21 .*\n$/);
    expect(run.stdout.length).toBeLessThan(9000);
  });

  test.concurrent('a hook that floods for ever is ended', async () => {
    const run = await probe(shell, hookOf('#!/bin/sh\nexec yes\n'), { POSTCHECK_HOOK_SECONDS: '1' });
    expect(run.code).toBe(124);
    expect(run.stdout.length).toBeLessThan(9000);
  });

  test.concurrent('a hook that prints zero bytes does not confuse the reader', async () => {
    const run = await probe(shell, hookOf('#!/bin/sh\nhead -c 300000 /dev/zero\necho after\nexit 22\n'));
    expect(run.code).toBe(22);
    expect(run.stdout).toMatch(/after\npostcheck: stage=hook code=22/);
  });

  test.concurrent('children that keep the output open are ended, and those that left the group are not waited for', async () => {
    const left = longSleep();
    const run = await probe(shell, hookOf(`#!/bin/sh\n${left} &\nsetsid sleep 25 &\necho quick\nexit 23\n`), {
      POSTCHECK_HOOK_SECONDS: '30',
    });
    expect(run.code).toBe(23);
    expect(run.stdout).toMatch(/^quick\npostcheck: /);
    expect(run.elapsedMs).toBeLessThan(20_000);
    expect(runs(left)).toBe(false);
  });

  test.concurrent('what the hook prints comes first, and cannot pass for the result line', async () => {
    const run = await probe(
      shell,
      hookOf(
        '#!/bin/sh\necho to stdout\necho to stderr >&2\necho "postcheck: stage=ready code=0 state=NONE exitstatus=- source=none hook=0 ms=0"\nprintf "no line end"\nexit 24\n',
      ),
    );
    expect(run.stdout).toMatch(
      /^to stdout\nto stderr\npostcheck: stage=ready code=0 .*\nno line end\npostcheck: stage=hook code=24 .*\n$/,
    );
    expect(run.result.code).toBe('24');
  });

  test.concurrent('a hook that lists the processes does not confuse the reader', async () => {
    const run = await probe(
      shell,
      hookOf(
        '#!/bin/sh\ncat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr "\\000" "\\n" | tail -n 400\nexit 25\n',
      ),
    );
    expect(run.code).toBe(25);
  });

  test.concurrent('the hook has no arguments, no input, a fixed PATH and LC_ALL=C', async () => {
    const text =
      '#!/bin/sh\necho "arguments=$# path=$PATH locale=$LC_ALL input=$(cat) directory=$PWD"\nexit 26\n';
    const hook = await probe(shell, hookOf(text), { LC_ALL: 'de_DE.UTF-8' });
    expect(hook.stdout).toContain(`arguments=0 path=${tools.get(shell)} locale=C input= directory=/`);
  });

  test.concurrent('a user without rights can run it', async () => {
    const run = await probe(shell, hookOf('#!/bin/sh\nexit 27\n'), {}, { uid: 65534 });
    expect(run.code).toBe(27);
  });

  test.concurrent.each([
    { name: 'POSTCHECK_SERVICE', value: 'a b', says: /POSTCHECK_SERVICE must be a program name/ },
    { name: 'POSTCHECK_SERVICE', value: '', says: /POSTCHECK_SERVICE must be a program name/ },
    {
      name: 'POSTCHECK_SUPERVISOR_SECONDS',
      value: '0',
      says: /_SECONDS must be whole seconds from 1 to 99, not '0'/,
    },
    {
      name: 'POSTCHECK_HOOK_SECONDS',
      value: '5s',
      says: /_SECONDS must be whole seconds from 1 to 99, not '5s'/,
    },
    { name: 'POSTCHECK_STRICT', value: 'yes', says: /POSTCHECK_STRICT must be 0 or 1, not 'yes'/ },
    { name: 'POSTCHECK_HOOK', value: 'hook', says: /absolute paths, not 'hook'/ },
    { name: 'POSTCHECK_SUPERVISOR_SOCKET', value: 's.sock', says: /absolute paths, not 's.sock'/ },
  ])('$name=$value is refused', async ({ name, value, says }) => {
    const run = await probe(shell, '/nonexistent', { [name]: value });
    expect(run.stderr).toMatch(says);
    expect(run.code).toBe(125);
    expect(run.result).toMatchObject({ stage: 'config', code: '125' });
  });

  test.concurrent('closed descriptors and a reader that has gone away change nothing', async () => {
    const hook = hookOf('#!/bin/sh\necho text\nexit 28\n');
    for (const before of ['exec <&- >&- 2>&-;', 'exec 2>&-;', 'exec >/dev/full 2>&1;']) {
      const run = await probe(shell, hook, {}, { before });
      expect(run.code).toBe(28);
    }
  });

  test.concurrent('it works where nothing can be written', async () => {
    const hook = hookOf('#!/usr/bin/python3\nimport json, email.parser\nraise SystemExit(29)\n');
    const run = await probe(shell, hook, {}, { before: 'mount --bind / / && mount -o remount,bind,ro / &&' });
    expect(run.code).toBe(29);
  });

  test.concurrent('runs that overlap do not disturb each other', async () => {
    const hooks = Array.from({ length: 20 }, (_, index) =>
      hookOf(`#!/bin/sh\necho "I am ${index}"\nsleep 0.3\nexit ${30 + index}\n`),
    );
    const runs = await Promise.all(hooks.map((hook) => probe(shell, hook)));
    runs.forEach((run, index) => {
      expect(run.code).toBe(30 + index);
      expect(run.stdout).toMatch(new RegExp(`^I am ${index}\npostcheck: stage=hook code=${30 + index} `));
    });
  });
});

test.concurrent('an image without the few tools that are needed is told so', async () => {
  const empty = join(scratch.path, 'empty');
  mkdirSync(empty);
  const run = await probe('dash', hookOf('#!/bin/sh\nexit 0\n'), { POSTCHECK_PATH: empty });
  expect(run.stderr).toMatch(/the image has no sleep/);
  expect(run.result).toMatchObject({ stage: 'internal', code: '125' });
});

test.concurrent('a probe that is killed leaves nothing behind once its limit has passed', async () => {
  const left = longSleep();
  const child = spawnProbe({
    env: {
      POSTCHECK_PATH: tools.get('dash') as string,
      POSTCHECK_HOOK: hookOf(`#!/bin/sh\n${left}\n`),
      POSTCHECK_HOOK_SECONDS: '6',
    },
  });
  await until(() => runs(left));
  child.kill('SIGKILL');
  await until(() => !runs(left));
});

test.concurrent('shellcheck has nothing to say', async () => {
  expect(statSync(probePath).mode & 0o111).toBe(0o111);
  expect(
    execFileSync('shellcheck', [probePath, join(probePath, '../test/setup.sh')], { encoding: 'utf8' }),
  ).toBe('');
});

test.concurrent('both time limits, each with half a second until it is enforced, end within the default time limit of a probe', async () => {
  const script = readFileSync(probePath, 'utf8');
  const defaultOf = (name: string) =>
    Number(new RegExp(`\\$\\{POSTCHECK_${name}=(\\d+)\\}`).exec(script)?.[1]);
  const killAfter = Number(/kill -TERM 0\n\s*sleep (\S+)/.exec(script)?.[1]);
  const worst = defaultOf('HOOK_SECONDS') + defaultOf('SUPERVISOR_SECONDS') + 2 * killAfter;
  // As docs/guides/writing-a-post-check.md says.
  expect(worst).toBe(9);
  expect(worst).toBeLessThan((Check.properties.timeoutSeconds as { readonly default?: number }).default ?? 0);
});

/** Waits for something to come true; the test's own limit ends it. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) {
    await sleep(50);
  }
}

/** Whether a process runs that was started with this command line. */
const runs = (command: string): boolean =>
  readdirSync('/proc').some((name) => /^\d+$/.test(name) && commandLine(Number(name)).includes(command));

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
