/** Command lines: what the docs write can be typed, what is mistyped is understood, and what can come next is known. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, globSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Command } from 'commander';
import type { Context } from '../src/command.ts';
import { complete, placeOf } from '../src/completion.ts';
import { createProgram } from '../src/program.ts';
import { run } from '../src/run.ts';
import { readName } from '../src/upgrades.ts';
import { tool } from './cli-environment.ts';
import { type FakeIo, fakeIo } from './io.ts';

const nowhere = (io: FakeIo): Context => ({
  io,
  environment: { HOME: '/nonexistent' },
  version: '1.2.3',
});
async function typed(...words: string[]): Promise<{ code: number; notes: string; io: FakeIo }> {
  const io = fakeIo();
  const code = await run(words, nowhere(io));
  return { code, notes: io.notes.join('\n'), io };
}
const noCluster = () => Promise.reject(new Error('no cluster'));
const program = () => createProgram(nowhere(fakeIo()), () => {});
const next = (...words: string[]) => complete(program(), words, { open: noCluster, configured: () => [] });

/** Every `kubectl postcheck …` of the docs, as it would be typed. */
const written = globSync(['README.md', 'docs/**/*.md', 'examples/**/*.md', 'charts/**/*.md'], {
  exclude: ['**/node_modules/**'],
})
  .filter((page) => page !== 'docs/cli.md')
  .flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/kubectl postcheck ((?:[^`\n#&|>]|<[^>]*>)+)/g)].map(
      ([, words = '']): [string, string] => [page, words.trim()],
    ),
  );

describe('command lines', () => {
  test('exist in the docs', () => {
    expect(written.length).toBeGreaterThan(3);
  });

  test.each(written)('%s: kubectl postcheck %s can be typed', async (_, words) => {
    const { notes } = await typed(...words.split(/\s+/));
    expect(notes).not.toMatch(/unknown|missing required|too many|invalid/i);
  });

  test.each([
    [['gte'], "error: unknown command 'gte'\n(Did you mean get?)"],
    [['get', '--al'], "error: unknown option '--al'"],
    // kcp-dev/kcp#3593, ssup2/kpexec#8
    [['--version'], "error: unknown option '--version': use `version`"],
    [
      ['-A', 'get'],
      "error: unknown option '-A': write it after one of the commands that have it: get, gates",
    ],
    [
      ['why', 'web', '-A'],
      "error: unknown option '-A': write it after one of the commands that have it: get,",
    ],
    [['why', 'web', '--ouput', 'json'], "error: unknown option '--ouput'\n(Did you mean --output?)"],
    [['get', '-o', 'jsno'], "argument 'jsno' is invalid. Allowed choices are wide, json, yaml, name."],
    [['set', 'web', 'app=x:1'], 'Write what is set, as in `set image web web=registry.example/web:2.1`.'],
    [['wait', 'web'], "error: unknown command 'wait': use `status NAME`, which waits"],
    [
      ['undo', 'web'],
      "error: unknown command 'undo': use `abort NAME` during an attempt, and `set image` after it",
    ],
    [['lint', 'a.yaml'], 'Write `lint -f FILE`, or `lint -f -` for standard input.'],
    [['lint', '-f', 'a.yaml', 'b.yaml'], 'Repeat -f for each file, or name their folder.'],
    [['why'], "error: missing required argument 'name'\nUsage: kubectl postcheck why [options] <name>"],
    [
      ['set', 'image', 'web'],
      "error: missing required argument 'container=image'\nUsage: kubectl postcheck set image [options] <name> <container=image...>",
    ],
    [
      ['retry', 'web', '--dry-run=client'],
      "error: unknown option '--dry-run=client': use `--dry-run`, which the API server validates without storing it",
    ],
    [['why', 'deployment', 'web'], 'Write the workload as one word, as in deployment/web.'],
    [['get', '--phase', 'Nope'], 'error: there is no phase "Nope": use Pending, Upgrading,'],
    [['get', '--phase', 'felback'], 'error: there is no phase "felback"; did you mean FellBack?'],
    [['events', 'web', '--types', 'Warnin'], 'no events of type "Warnin"; did you mean Warning?'],
    [['status', 'web', '--timeout', 'soon'], '--timeout must be a time such as 30s, 5m or 1h30m, not "soon"'],
    [['abort', 'web', '--timeout', '-1'], '--timeout must be a time such as 30s, 5m or 1h30m, not "-1"'],
    [['logs', '--since', 'yesterday'], '--since must be a time such as 30s, 5m or 1h30m, not "yesterday"'],
    [['why', 'web', '--attempt', 'last'], '--attempt must be a number from 1, not "last"'],
    [['dashboard', '--port', '70000'], '--port must be a number from 0 to 65535, not "70000"'],
    [['get', '--context', 'x'], 'error: the kubeconfig has no context "x"'],
  ])('%j is answered in one sentence', async (words, sentence) => {
    const { code, notes } = await typed(...words);
    expect([code, notes]).toEqual([1, expect.stringContaining(sentence)]);
    expect(notes).not.toMatch(/\n\s+at /);
  });

  test.each([
    [
      'rs/web',
      'a ReplicaSet cannot have an Upgrade: name the Deployment that owns it, as in deployment/NAME',
    ],
    [
      'replicasets.apps/web',
      'a ReplicaSet cannot have an Upgrade: name the Deployment that owns it, as in deployment/NAME',
    ],
    ['po/web-1', 'a Pod cannot have an Upgrade: name the Deployment, StatefulSet or DaemonSet that owns it'],
    ['job/web', 'a Job cannot have an Upgrade: its pods run to completion, and are not upgraded'],
    [
      'cronjob.batch/web',
      'a CronJob cannot have an Upgrade: its next Job runs the new image; no pod is upgraded',
    ],
    [
      'deplyment/web',
      'a deplyment cannot have an Upgrade: specify an Upgrade, a Deployment, a StatefulSet or a DaemonSet; did you mean deployment/web?',
    ],
    ['xx/web', 'a xx cannot have an Upgrade: specify an Upgrade, a Deployment, a StatefulSet or a DaemonSet'],
    [
      'svc/web',
      'a svc cannot have an Upgrade: specify an Upgrade, a Deployment, a StatefulSet or a DaemonSet',
    ],
  ])('%s cannot have an Upgrade: %s', (word, sentence) => {
    expect(() => readName(word)).toThrow(new Error(sentence));
  });

  test('two names are not taken for a kind and a name', async () => {
    expect((await typed('why', 'web', 'api')).notes).toBe(
      "error: too many arguments for 'why'. Expected 1 argument but got 2: web, api.",
    );
  });

  test('without a kubeconfig the error names the searched paths', async () => {
    expect((await typed('get')).notes).toMatch(
      /^error: no kubeconfig: neither KUBECONFIG nor .*\.kube\/config names a cluster/,
    );
  });

  test.each(['--dry-run', '--dry-run=server', '--dry-run=true', '--dry-run=none'])(
    'understands %s as kubectl does',
    async (flag) => {
      expect((await typed('retry', 'web', flag)).notes).toMatch(/^error: no kubeconfig/);
    },
  );

  test.each([['why'], ['set', 'image'], ['get']])(
    'help of %s lists its own flags, says where those of the connection are, and no choice twice',
    async (...words) => {
      const { written } = (await typed(...words, '--help')).io;
      const text = written.join('').replaceAll(/\s+/g, ' ');
      expect(text).toMatch(/Options: .*-h, --help help for a command/);
      expect(text).not.toContain('Connection, as for');
      expect(text).toContain('Connection flags such as -n and --context: kubectl postcheck --help');
      expect(text).not.toContain('choices: "json"');
    },
  );

  test.each([
    [['nosuch', '--help'], "error: unknown command 'nosuch'"],
    [['help', 'nosuch'], "error: unknown command 'nosuch'"],
    [['-n', 'shop', 'rollback', '-h'], "error: unknown command 'rollback': use `abort NAME`"],
    [['status', 'web', '--watch=maybe'], 'error: --watch must be true or false, not "maybe"'],
    [['retry', 'web', '--dry-run=all'], 'error: --dry-run must be true or false, not "all"'],
  ])('%j is an error, and says what of it is unknown', async (words, message) => {
    const { code, notes, io } = await typed(...words);
    expect([code, io.written.join('')]).toEqual([1, '']);
    expect(notes).toContain(message);
  });

  test('help of a command is found behind the flags of the connection, and that of all without one', async () => {
    expect((await typed('-n', 'shop', 'get', '-h')).io.written.join('')).toContain('postcheck get');
    expect((await typed('help')).code).toBe(0);
    expect((await typed('help', 'set')).io.written.join('')).toContain('set');
  });

  test('help and the version of the tool need no cluster', async () => {
    expect((await typed('--help')).code).toBe(0);
    const { code, io } = await typed('version', '--client', '-o', 'json');
    expect([code, JSON.parse(io.lines.join('')).client]).toEqual([0, '1.2.3']);
  });
});

describe('the Node that runs it', () => {
  const { engines } = JSON.parse(readFileSync('packages/cli/package.json', 'utf8')) as {
    engines: { node: string };
  };

  test('is reported as too old in one sentence', async () => {
    const old = 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.20.2"})';
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', old, await tool(), '--help'],
      {
        encoding: 'utf8',
      },
    );
    expect([status, stdout]).toEqual([1, '']);
    const needed = engines.node.replace('>=', '');
    expect(stderr).toMatch(
      new RegExp(
        `^error: kubectl postcheck needs Node.js ${needed}\\.0 or newer, but this is 20\\.20\\.2: .*\\n$`,
      ),
    );
  }, 60_000);

  test('says why its output cannot be written', async () => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [await tool(), '--help'], {
      encoding: 'utf8',
      stdio: ['ignore', full, 'pipe'],
    });
    closeSync(full);
    expect([status, stderr]).toEqual([
      1,
      'error: standard output cannot be written: ENOSPC: no space left on device, write\n',
    ]);
  }, 60_000);

  test('imports no named export that an old version lacks', async () => {
    const text = readFileSync(await tool(), 'utf8');
    const named = [...text.matchAll(/import\{([^}]*)\}from"node:/g)].flatMap(([, names = '']) =>
      names.split(','),
    );
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => /^(enableCompileCache|styleText|getBuiltinModule)\b/.test(name))).toEqual(
      [],
    );
  });
});

/** A kubeconfig whose cluster is never reached. */
function kubeconfig(user: object): string {
  const path = join(mkdtempSync(join(tmpdir(), 'postcheck-words-')), 'config');
  const config = {
    'current-context': 'c',
    clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}
function plugin(script: string): object {
  const path = join(mkdtempSync(join(tmpdir(), 'postcheck-plugin-')), 'login');
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: path, interactiveMode: 'Never' } };
}
const missingPlugin = {
  exec: {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: '/no/such/login',
    interactiveMode: 'Never',
  },
};

describe('a kubeconfig', () => {
  test.each([
    [missingPlugin, /logs in with \/no\/such\/login, which was not found/],
    [plugin('echo "log in first" >&2; exit 3'), /which failed: log in first$/],
    [plugin('echo text'), /which failed: Unexpected token/],
    [
      { 'client-certificate': '/no/such/file', 'client-key': '/no/such/file' },
      /cannot read \/no\/such\/file: no such file/,
    ],
    [{ token: 't' }, /cannot reach the API server https:\/\/127.0.0.1:1: .*ECONNREFUSED/],
  ])('%j is reported in one sentence when it does not work', async (user, sentence) => {
    const { code, notes } = await typed('get', '--kubeconfig', kubeconfig(user));
    expect([code, notes]).toEqual([1, expect.stringMatching(sentence)]);
    expect(notes.split('\n')).toHaveLength(1);
  });

  test.each([['we b'], ['Ünicode'], ['a'.repeat(300)]])(
    'the name %j is refused before anything is sent',
    async (name) => {
      const { notes } = await typed('status', name, '--kubeconfig', kubeconfig({ token: 't' }));
      expect(notes).toBe(`error: ${JSON.stringify(name)} is not a valid name in Kubernetes`);
    },
  );
});

describe('completion', () => {
  test('knows verbs, flags and choices without a cluster, and ends as cobra does', async () => {
    expect(await next('st')).toEqual([expect.stringMatching(/^status\twait until/), ':4']);
    expect(await next('set', '')).toEqual([expect.stringMatching(/^image\t/), ':4']);
    expect(await next('get', '-o', 'y')).toEqual(['yaml', ':4']);
    expect(await next('get', '--needs')).toEqual([expect.stringMatching(/^--needs-attention\t/), ':4']);
    expect(await next('-n', 'shop', 'completion', 'z')).toEqual(['zsh', ':4']);
  });

  test.each([
    [
      ['get', '--phase', 'Fall'],
      ['FallingBack', 'FallbackChecking', 'FallbackFailed'],
    ],
    [['get', '--phase', 'FellBack,Fai'], ['FellBack,Failed']],
    [['get', '--phase=Fel'], ['FellBack']],
    [['get', '--phase', 'Failed,Fai'], []],
    [
      ['events', 'web', '--types', ''],
      ['Normal', 'Warning'],
    ],
    [['get', '--output=ya'], ['yaml']],
    [['status', 'web', '--watch=f'], ['false']],
    [['get', '--phasex'], []],
  ])('%j is completed by %j', async (words, expected) => {
    expect(await next(...words)).toEqual([...expected, ':4']);
  });

  const everyCommand = (of: Command): Command[] => [of, ...of.commands.flatMap(everyCommand)];
  const closed = everyCommand(program()).flatMap((command) =>
    command.options.filter(({ parseArg }) => parseArg).map((option) => ({ command, option })),
  );
  /** What a value must be if there is no list of all values. */
  const FREE = /must be a (time|number)|Repeat -f/;

  test('suggests the values of every flag that accepts only some', async () => {
    const without = closed.filter(({ option }) => {
      try {
        return typeof option.parseArg?.('no such value', undefined) === 'boolean' && !option.argChoices;
      } catch (error) {
        return !FREE.test((error as Error).message) && !option.argChoices;
      }
    });
    expect(closed.length).toBeGreaterThan(20);
    expect(without.map(({ command, option }) => `${command.name()} ${option.flags}`)).toEqual([]);
  });

  test('lets the shell complete files, and suggests nothing when the cluster cannot be reached', async () => {
    expect(await next('lint', '-f', '')).toEqual([':0']);
    expect(await next('why', '')).toEqual([':4']);
  });

  test.each([[['why', '-n', 'sh']], [['-n', 'shop', 'why', '--context', '']], [['get', '--context=pr']]])(
    'reads what is written before %j, and not the flag that is being completed',
    async (words) => {
      const { code, notes, io } = await typed('__complete', ...words);
      expect({ code, notes, written: io.written }).toEqual({ code: 0, notes: '', written: [':4\n'] });
    },
  );

  test.each([
    [
      ['get', '--context', 'p'],
      ['prod-eu', 'prod-us'],
    ],
    [['--context=prod-u'], ['prod-us']],
    [
      ['get', '--cluster', ''],
      ['eu', 'us'],
    ],
    [['get', '--user', ''], ['me']],
  ])('%j is completed from the kubeconfig alone by %j', async (words, expected) => {
    const folder = mkdtempSync(join(tmpdir(), 'postcheck-kubeconfig-'));
    const kubeconfig = join(folder, 'config');
    const server = { server: 'https://127.0.0.1:1' };
    const context = (cluster: string) => ({ cluster, user: 'me' });
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        clusters: ['eu', 'us'].map((name) => ({ name, cluster: server })),
        users: [{ name: 'me', user: { token: 'secret' } }],
        contexts: [
          { name: 'prod-eu', context: context('eu') },
          { name: 'prod-us', context: context('us') },
          { name: 'test', context: context('eu') },
        ],
      }),
    );
    const io = fakeIo();
    const environment = { KUBECONFIG: kubeconfig, HOME: folder };
    expect(await run(['__complete', ...words], { ...nowhere(io), environment })).toBe(0);
    expect(io.written).toEqual([`${[...expected, ':4'].join('\n')}\n`]);
  });

  test('lets the shell complete the value of every flag that is a file', async () => {
    const files = everyCommand(program()).flatMap((command) =>
      command.options.filter(({ flags }) => flags.includes('<file>')).map(({ long }) => [command, long]),
    );
    expect(files.length).toBeGreaterThan(5);
    for (const [command, long] of files as [Command, string][]) {
      const words = command.parent ? [command.name(), long, ''] : [long, ''];
      expect([long, await next(...words)]).toEqual([long, [':0']]);
    }
  });

  test('has a much shorter timeout than a verb', async () => {
    const hole = createServer(() => {});
    hole.listen(0, '127.0.0.1');
    await once(hole, 'listening');
    const { port } = hole.address() as AddressInfo;
    const flags = ['--insecure-skip-tls-verify', '-s', `https://127.0.0.1:${port}`];
    const io = fakeIo();
    const completion = run(['__complete', 'why', ...flags, ''], nowhere(io)).then(() => 'completion');
    const verb = run(['get', '--request-timeout=8s', ...flags], nowhere(fakeIo())).then(() => 'verb');
    expect(await Promise.race([completion, verb])).toBe('completion');
    expect(io.written).toEqual([':4\n']);
    hole.close();
    await verb;
  }, 60_000);

  test('distinguishes the value of a flag from a name', () => {
    const { operands, prefix, command } = placeOf(program(), [
      '-n',
      'shop',
      'diff',
      '--output=json',
      'web',
      '3',
    ]);
    expect([command.name(), operands, prefix]).toEqual(['diff', ['web'], '3']);
  });
});
