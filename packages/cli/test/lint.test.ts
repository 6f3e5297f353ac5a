/** lint says offline what the API server would say; test/api/validation asks the API server the same rules. */
import {
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { SpecSchema } from '../../../src/api/schema-spec.ts';
import type { UpgradeSpec } from '../../../src/api/types.ts';
import type { WorkloadView } from '../../../src/api/views.ts';
import { Stage } from '../../../test/support/stage.ts';
import { imageProblem, imageWarning } from '../src/image-reference.ts';
import { lintText } from '../src/lint.ts';
import { emptyStages, missingDependencies, withoutEffect } from '../src/lint-effects.ts';
import { plainText } from '../src/lint-words.ts';
import { textOf } from '../src/read.ts';
import { registryRules } from '../src/verbs/codes.ts';
import { lint } from '../src/verbs/lint.ts';
import { fakeIo } from './io.ts';

const manifest = (spec: string): string => `apiVersion: postcheck.dev/v1alpha1
kind: Upgrade
metadata: {name: web, namespace: shop}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  containers:
  - {name: web, image: registry.example/web:2.0}
${spec}`;
const said = (text: string): string[] =>
  lintText('up.yaml', text).findings.map(({ line, path, message }) => `${line} ${path}: ${message}`);

describe('lint', () => {
  test.each(globSync('examples/**/upgrade.yaml'))('finds nothing in %s', (path) => {
    const { upgrades, findings } = lintText(path, readFileSync(path, 'utf8'));
    expect(findings).toEqual([]);
    expect(upgrades.length).toBeGreaterThan(0);
  });

  test('finds fields that do not exist, with the one that is meant, at their line', () => {
    expect(said(manifest('  postCheck:\n    perodSeconds: 5\n'))).toEqual([
      '9 spec.postCheck.perodSeconds: unknown field; did you mean periodSeconds?',
    ]);
  });

  test.each([
    ['annotation: {a: b}', 'annotation: unknown field; did you mean annotations?'],
    ['paused: true', 'paused: unknown field; it belongs to spec.paused'],
    ['labels: {a: b}, uid: x', undefined],
    ['namespace: Shop', 'namespace: must be lower case letters, digits'],
  ])('reads metadata too: %s', (field, message) => {
    const text = manifest('').replace('namespace: shop', field);
    const expected = message === undefined ? [] : [expect.stringContaining(`3 metadata.${message}`)];
    expect(said(text)).toEqual(expected);
  });

  test('reads each Upgrade of a list, as kubectl prints it, in YAML and JSON, with any line ends', () => {
    const listed = `apiVersion: v1\nkind: List\nitems:\n- kind: Service\n- ${manifest('  pausd: true\n').replaceAll('\n', '\n  ')}`;
    const expected = ['12 spec.pausd: unknown field; did you mean paused?'];
    expect(said(listed)).toEqual(expected);
    expect(said(listed.replaceAll('\n', '\r\n'))).toEqual(expected);
    expect(said(`\ufeff${listed}`)).toEqual(expected);
    const { upgrades } = lintText('up.json', JSON.stringify(parse(listed)));
    expect(upgrades.map(({ manifest: { kind } }) => kind)).toEqual(['Upgrade']);
  });

  test.each([
    ['deadlineSeconds: 0', '8 spec.postCheck.deadlineSeconds: must be at least 1'],
    ['deadlineSeconds: 9999999', '8 spec.postCheck.deadlineSeconds: must be at most 604800'],
    ['periodSeconds: "5"', '8 spec.postCheck.periodSeconds: must be a whole number: write 5 without quotes'],
    ['deadline: 20', '8 spec.postCheck.deadline: unknown field; did you mean deadlineSeconds?'],
    ['checks: {}', '8 spec.postCheck.checks: must be a list'],
    [
      'readiness: false',
      '8 spec.postCheck.readiness: must be an object with the fields required, minReadySeconds and maxRestarts',
    ],
    [
      'checks: [{name: a, command: [/x]}]',
      '8 spec.postCheck.checks[0].command: unknown field; it belongs to spec.postCheck.checks[0].exec.command',
    ],
    [
      'checks: [{name: A b, exec: {command: [/x]}}]',
      '8 spec.postCheck.checks[0].name: must be lower case letters, digits and -, and begin and end with a letter or digit',
    ],
    [
      'checks: [{exec: {command: []}}]',
      '8 spec.postCheck.checks[0]: has no name, which is required',
      '8 spec.postCheck.checks[0].exec.command: must have at least one entry',
    ],
    [
      'checks: [{name: a, exec: {command: /bin/check --fast}}]',
      '8 spec.postCheck.checks[0].exec.command: must be a list: write [/bin/check, --fast]',
    ],
    [
      'checks: [{name: a, exec: {command: /bin/check --for 10 -v 1e3 true}}]',
      '8 spec.postCheck.checks[0].exec.command: must be a list: write [/bin/check, --for, "10", -v, "1e3", "true"]',
    ],
    [
      'checks: [{name: a, exec: {command: [sleep, 1]}}]',
      '8 spec.postCheck.checks[0].exec.command[1]: must be text: write "1" in quotes',
    ],
  ])('says in plain words what is wrong with %s', (field, ...expected) => {
    expect(said(manifest(`  postCheck: {${field}}\n`))).toEqual(expected);
  });

  test('a field that is the only one missing is the one that an unknown one means', () => {
    expect(said(manifest('').replace('image:', 'img:'))).toEqual([
      '7 spec.containers[0].img: unknown field; did you mean image?',
      '7 spec.containers[0]: has no image, which is required',
    ]);
  });

  test.each([
    ['[/bin/check --fast]', '[0]: is the name of the program, with spaces in it: write [/bin/check, --fast]'],
    [
      '["curl -s localhost | grep ok"]',
      '[0]: is the name of the program, with spaces in it: write [sh, -c, "curl -s localhost | grep ok"]',
    ],
    [
      '[curl, localhost, "|", grep, ok]',
      ': no shell runs it, so | is only text: write [sh, -c, "curl localhost | grep ok"]',
    ],
    ['[ping, $HOST]', ': no shell runs it, so $HOST is only text: write [sh, -c, "ping $HOST"]'],
    ['[sh, -c, "curl localhost | grep ok"]'],
    ['[bash, -e, -c, "$CHECK"]'],
    ['[/bin/sh, -c, check, --fast]', ': the shell runs only check: write [/bin/sh, -c, "check --fast"]'],
    ['[sh, -c, \'check "$1"\', sh, --fast]'],
    ['[grep, -c, web, /etc/hosts]'],
    ['[grep, "a|b", /etc/x]'],
  ])('a command written as for a shell is a warning: %s', (command, ...expected) => {
    const text = manifest(`  postCheck: {checks: [{name: a, exec: {command: ${command}}}]}\n`);
    expect(said(text)).toEqual(expected.map((one) => `8 spec.postCheck.checks[0].exec.command${one}`));
  });

  test.each([
    ['deadlineSeconds: 5', '', ['spec.postCheck.deadlineSeconds: 5 is not longer than periodSeconds (10): ']],
    ['deadlineSeconds: 11', '', []],
    [
      'deadlineSeconds: 30, periodSeconds: 30',
      '',
      ['spec.postCheck.deadlineSeconds: 30 is not longer than '],
    ],
    ['deadlineSeconds: 5, checks: []', '', []],
    ['deadlineSeconds: 5, failureThreshold: 1', '', []],
    ['', 'deadlineSeconds: 9', ['spec.fallback.deadlineSeconds: 9 is not longer than ']],
  ])('warns of a deadline without room for a second probe: {%s}, {%s}', (postCheck, fallback, expected) => {
    const text = manifest(`  postCheck: {${postCheck}}\n  fallback: {${fallback}}\n`);
    expect(said(text)).toEqual(expected.map((one) => expect.stringContaining(one)));
  });

  test('every pattern of the schema is described in words', () => {
    const patterns = (node: unknown): string[] =>
      typeof node === 'object' && node !== null
        ? Object.entries(node).flatMap(([key, value]) =>
            key === 'pattern' && typeof value === 'string' ? [value] : patterns(value),
          )
        : [];
    const all = [...new Set(patterns(SpecSchema))];
    expect(all.length).toBeGreaterThan(3);
    const error = (pattern: string) => ({ keyword: 'pattern', params: { pattern }, message: pattern });
    expect(all.filter((pattern) => plainText(error(pattern), { value: 'x' }) === pattern)).toEqual([]);
  });

  test('finds wrong types and values', () => {
    expect(said(manifest('  gate: Sometimes\n  historyLimit: "3"\n'))).toEqual([
      expect.stringMatching(/^8 spec\.gate: /),
      expect.stringMatching(/^9 spec\.historyLimit: must be a whole number/),
    ]);
  });

  const long = 'x'.repeat(4096);
  test.each([
    [
      `  postCheck: {checks: [{name: a, exec: {command: [${Array.from({ length: 9 }, () => long)}]}}]}\n`,
      'spec.postCheck.checks: the commands, headers, paths, container names and messages of all checks have more than 32768',
    ],
    [
      `  postCheck: {checks: [{name: a, httpGet: {port: 80, path: /${long.slice(1)}}}]}\n  strategy: {stages: [{name: a, nodes: {matchLabels: {${'k'.repeat(16_384)}: v}}}]}\n`,
      'spec.strategy.stages: the node labels of all stages have more than 16384 characters together',
    ],
    ['  postCheck: {readiness: {required: false}, checks: []}\n', '8 spec.postCheck: nothing would be'],
    [
      '  postCheck:\n    readiness: {minReadySeconds: 600}\n    deadlineSeconds: 600\n',
      '10 spec.postCheck.deadlineSeconds: no pod could pass in time',
    ],
    [
      '  postCheck: {successThreshold: 3, deadlineSeconds: 20}\n',
      'spec.postCheck.deadlineSeconds: no pod could pass in time',
    ],
    [
      '  postCheck: {successThreshold: 3}\n  fallback: {deadlineSeconds: 20}\n',
      'spec.fallback.deadlineSeconds: no reverted pod could pass in time',
    ],
    ['  progressDeadlineSeconds: 60\n', 'spec: progressDeadlineSeconds must be larger'],
    [
      '  postCheck: {checks: [{name: a}]}\n',
      'spec.postCheck.checks[0]: a check must have exactly one handler',
    ],
    [
      '  postCheck: {checks: [{name: a, exec: {command: [x]}, exitCodes: [{codes: "3-9", class: Fail}, {codes: "5", class: Skip}]}]}\n',
      'spec.postCheck.checks[0].exitCodes: exitCodes must not overlap',
    ],
    [
      '  postCheck: {checks: [{name: a, exec: {command: [x]}, exitCodes: [{codes: "9-3", class: Fail}]}]}\n',
      'spec.postCheck.checks[0].exitCodes[0]: codes must be between 0 and 255',
    ],
    [
      '  postCheck: {checks: [{name: a, exec: {command: [x]}, exitCodes: [{codes: "9", class: Fail, reason: Aborted}]}]}\n',
      'spec.postCheck.checks[0].exitCodes[0].reason: this reason means something else in postcheck',
    ],
    [
      '  postCheck: {checks: [{name: a, tcpSocket: {port: 99999}}]}\n',
      'spec.postCheck.checks[0].tcpSocket.port: ',
    ],
  ])('asks the rules of the CRD: %j', (spec, message) => {
    expect(said(manifest(spec)).join('\n')).toContain(message);
  });

  test('finds entries that the API server considers duplicates', () => {
    const twice = manifest('  dependsOn: [{name: db}, {name: db}]\n').replace(
      '/web:2.0}\n',
      '/web:2.0}\n  - {name: web, image: x:1}\n',
    );
    expect(said(twice)).toEqual([
      '8 spec.containers[1]: another entry of spec.containers has the same name',
      '9 spec.dependsOn[1]: another entry of spec.dependsOn has the same name',
    ]);
    const check = '{name: a, exec: {command: [x]}, containers: [web, web]}';
    expect(said(manifest(`  postCheck: {checks: [${check}]}\n`))).toEqual([
      '8 spec.postCheck.checks[0].containers[1]: another entry of spec.postCheck.checks[0].containers has the same value',
    ]);
  });

  test.each([
    ['kind: Upgrade', 'kind: Upgade', '2 kind: must be Upgrade'],
    ['v1alpha1', 'v1beta1', '1 apiVersion: must be postcheck.dev/v1alpha1'],
    [
      'kind: Deployment',
      'kind: Deploy',
      '5 spec.targetRef.kind: must be Deployment or StatefulSet or DaemonSet: write Deployment',
    ],
    [
      'kind: Deployment',
      'kind: statefulset',
      '5 spec.targetRef.kind: must be Deployment or StatefulSet or DaemonSet: write StatefulSet',
    ],
    [
      'kind: Deployment',
      'kind: Job',
      '5 spec.targetRef.kind: must be Deployment or StatefulSet or DaemonSet',
    ],
  ])('of %s as %s names what is allowed', (right, wrong, message) => {
    expect(said(manifest('').replace(right, wrong))).toEqual([message]);
  });

  test('warns about what the API server accepts but has no effect', () => {
    const slow = '  postCheck: {failureThreshold: 5, periodSeconds: 60, deadlineSeconds: 20}\n';
    const typo = manifest(slow).replace(
      'shop}',
      "shop, annotations: {postcheck.dev/aprove: '1/a', other: x}}",
    );
    expect(lintText('up.yaml', typo).findings.map(({ level, message }) => [level, message])).toEqual([
      ['warning', 'postcheck reads no such annotation; did you mean postcheck.dev/approve?'],
      ['warning', 'has no effect: the deadline of 20s comes before 5 probe cycles that are 60s apart'],
    ]);
  });

  test.each([
    [
      '  failureBudget: {maxFailed: 1}\n',
      'spec.failureBudget: unknown field; it belongs to spec.strategy.failureBudget',
    ],
    ['  baseline: None\n', 'spec.baseline: unknown field; it belongs to spec.preCheck.baseline'],
    [
      '  soakSeconds: 60\n',
      'spec.soakSeconds: unknown field; it belongs to spec.strategy.soakSeconds or spec.postCheck.soakSeconds',
    ],
    ['  image: web:2\n', 'spec.image: unknown field; it belongs to spec.containers[0].image'],
    [
      '  fallback: rollback\n',
      'spec.fallback: must be an object with fields such as action, verify, deadlineSeconds and scope',
    ],
    [
      '  postCheck: {checks: [/bin/true]}\n',
      'spec.postCheck.checks[0]: must be an object with fields such as name, exec, httpGet and tcpSocket',
    ],
    [
      '  postCheck: {checks: [{name: a, exec: /bin/true}]}\n',
      'spec.postCheck.checks[0].exec: must be an object: write {command: [/bin/true]}',
    ],
    ['  strategy: {maxParallel: "10"}\n', 'spec.strategy.maxParallel: write 10 without quotes'],
    [
      '  strategy: {stages: [{name: y, pods: 1}, {name: "no", pods: 2}]}\n',
      'spec.strategy.stages[0].name: kubectl reads y as a boolean: quote it, "y"',
    ],
    [
      '  strategy: {stages: [{name: a, nodes: {matchLabels: {on: a}}}]}\n',
      'spec.strategy.stages[0].nodes.matchLabels.on: kubectl reads on as a boolean: quote it, "on"',
    ],
    [
      '  windows: [{start: "22:00", durationSeconds: 60, timeZone: Asia/Taipeh}]\n',
      'spec.windows[0].timeZone: spec.windows names time zone Asia/Taipeh, which does not exist: write an IANA name such as Asia/Taipei, or UTC',
    ],
    [
      '  strategy: {stages: [{name: a, pods: 2}, {name: b, pods: 1}]}\n',
      'spec.strategy.stages[1].pods: adds no pod: the pods of earlier stages count, and those have 2 pods already',
    ],
    [
      '  strategy: {stages: [{name: a, pods: 5%}, {name: b, pods: 5%}]}\n',
      'spec.strategy.stages[1].pods: adds no pod: the pods of earlier stages count, and those have 5% already',
    ],
  ])('says what is wrong with %j, and what to write', (spec, message) => {
    expect(said(manifest(spec))).toEqual([`8 ${message}`]);
  });

  test.each([
    ['10m', 'must be a whole number of seconds: write 600'],
    ['1.5h', 'must be a whole number of seconds: write 5400'],
    ['soon', 'must be a whole number'],
  ])('says how long %s is in seconds', (time, message) => {
    expect(said(manifest(`  postCheck: {deadlineSeconds: ${time}}\n`))).toEqual([
      `8 spec.postCheck.deadlineSeconds: ${message}`,
    ]);
  });

  test.each([
    [
      'https://registry.example/web:2.0',
      'an image reference has no https://: write registry.example/web:2.0',
    ],
    ['registry.example/Web:2.0', 'a repository has only lower case letters: web instead of Web'],
    ['registry.example/web:', 'its tag is not valid'],
    ['registry.example/web@sha256:12', 'its digest is not valid'],
    ['registry.example/web:2.0:1', 'its tag is not valid'],
    ['registry.example//web', 'it is not a valid image reference'],
  ])('reports the image %s, which no kubelet accepts, as an error', (image, problem) => {
    const { findings } = lintText('up.yaml', manifest('').replace('registry.example/web:2.0', `"${image}"`));
    expect(findings.map(({ level, line, path, message }) => [level, line, path, message])).toEqual([
      ['error', 7, 'spec.containers[0].image', `no kubelet accepts it: ${problem}`],
    ]);
  });

  test.each([
    ['\u200b', ': it contains U+200B'],
    ['\ufeff', ': it contains U+FEFF'],
    ['\u00a0', ': it contains U+00A0'],
    ['\u{e0041}', ': it contains U+E0041'],
    ['”', ''],
    ['е', ''],
  ])('rejects an image with %j, and names what nobody sees', (odd, named) => {
    const image = `registry.example/web:2.0${odd}`;
    expect(said(manifest('').replace('registry.example/web:2.0', `"${image}"`))).toEqual([
      `7 spec.containers[0].image: image must not contain whitespace, control characters or characters outside ASCII, such as invisible ones and curved quotes${named}`,
    ]);
    expect(imageProblem(image)).toContain(odd === '”' ? 'it contains ” U+201D' : 'it contains ');
  });

  test.each(['\u200b', '\u{e0041}'])('rejects a meaning of an exit code with %j in it', (odd) => {
    const spec = `  postCheck: {checks: [{name: a, exec: {command: [a]}, exitCodes: [{codes: [3], class: Retry, message: "${odd}down"}]}]}`;
    expect(said(manifest(spec)).join()).toMatch(
      /exitCodes\[0\]\.message: message must be one line without control and invisible characters/,
    );
  });

  test.each(['2.0', 'v1.10.3-rc.1'])('warns of the image %s, which is only a tag', (image) => {
    expect(said(manifest('').replace('registry.example/web:2.0', `"${image}"`))).toEqual([
      `7 spec.containers[0].image: it is the name of an image, not a tag: write the whole image, such as registry.example/web:${image}`,
    ]);
  });

  test.each(['web', 'localhost:5000/web', 'web:latest', 'registry.example/a/web:latest'])(
    'warns of the image %s, which is another one from day to day',
    (image) => {
      expect(said(manifest('').replace('registry.example/web:2.0', `"${image}"`))).toEqual([
        `7 spec.containers[0].image: it ${image.endsWith('latest') ? 'is' : 'has no tag, so it is'} whatever the registry has as latest when a pod starts: a fallback to it may bring back something else`,
      ]);
    },
  );

  test('warns of an annotation of an Upgrade that a workload has, and of none that is not ours', () => {
    const text = 'kind: Deployment\nmetadata:\n  annotations:\n    postcheck.dev/retry: "1"\n    a/b: c\n';
    expect(lintText('web.yaml', text).findings).toEqual([
      {
        file: 'web.yaml',
        line: 4,
        path: 'metadata.annotations.postcheck.dev/retry',
        message: 'postcheck reads annotations of Upgrades alone, not those of a Deployment',
        level: 'warning',
      },
    ]);
  });

  test.each([
    'library/web:1',
    'web@sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a',
    'latest:1',
    'Registry.Example:5000/a/b-c/d_e__f.g:V1.0_x-y',
    `registry.example/web:2.0@sha256:${'0a'.repeat(32)}`,
    '[2001:db8::1]:5000/web:2',
  ])('accepts the image %s', (image) => {
    expect(imageWarning(image)).toBeUndefined();
  });

  test('reads files in UTF-16, and prints nothing of other files', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'postcheck-lint-'));
    writeFileSync(join(folder, 'a.yaml'), Buffer.from(`\ufeff${manifest('')}`, 'utf16le'));
    writeFileSync(join(folder, 'template.yaml'), 'a: {{ .Values.a }}\n');
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const io = fakeIo();
    expect(await lint(io, { filename: [folder] })).toBe(0);
    expect([io.lines, io.notes]).toEqual([[], ['1 Upgrade in 2 files: 0 errors, 0 warnings']]);
    expect(warned).not.toHaveBeenCalled();
    warned.mockRestore();
  });

  const other = manifest('').replace('name: web, namespace', 'name: other, namespace');
  const elsewhere = manifest('').replace('namespace: shop', 'namespace: bank');
  const nowhere = manifest('').replace(', namespace: shop', '');
  const again = 'metadata.name: is Upgrade web again, after';
  const rival = 'spec.targetRef: Deployment web is the target of Upgrade web in';
  test.each([
    ['twice in a file', [[manifest(''), manifest('')]], [`a.yaml:11: error: ${again} a.yaml:3: of two`]],
    ['in two files', [[manifest('')], [manifest('')]], [`b.yaml:3: error: ${again} a.yaml:3: of two`]],
    ['for one workload', [[manifest(''), other]], [`a.yaml:13: error: ${rival} a.yaml:3 too`]],
    ['for workloads of different namespaces', [[manifest(''), elsewhere]], []],
    // As for staging and production, each applied with its own -n.
    ['in files without a namespace', [[nowhere], [nowhere]], [`b.yaml:3: warning: ${again}`]],
    ['in a file without a namespace', [[nowhere, nowhere]], [`a.yaml:11: error: ${again}`]],
    ['with and without a namespace', [[nowhere], [manifest('')]], []],
  ])('finds two Upgrades %s', async (_, files, expected) => {
    const folder = mkdtempSync(join(tmpdir(), 'postcheck-lint-'));
    for (const [index, documents] of files.entries()) {
      writeFileSync(join(folder, `${'ab'[index]}.yaml`), documents.join('---\n'));
    }
    const io = fakeIo();
    const code = await lint(io, { filename: [folder] });
    const lines = io.lines.map((line) => line.replaceAll(`${folder}/`, ''));
    expect(lines).toEqual(expected.map((line) => expect.stringContaining(line)));
    expect(code).toBe(lines.some((line) => line.includes('error')) ? 1 : 0);
  });

  test('finds a list of Upgrades, which kubectl does not read, and tolerates other lists', () => {
    const item = manifest('').trimEnd().replaceAll('\n', '\n  ');
    expect(said(`kind: Service\n---\n- ${item}\n`)).toEqual([
      expect.stringMatching(/^3 : is a list, which kubectl does not read: separate the objects with `---`/),
    ]);
    expect(said('- op: replace\n  path: /spec\n')).toEqual([]);
  });

  test('says why a file cannot be read, without the name of a system call', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'postcheck-lint-'));
    const missing = join(folder, 'missing.yaml');
    await expect(lint(fakeIo(), { filename: [missing] })).rejects.toThrow(
      `cannot read ${missing}: no such file`,
    );
    await expect(registryRules(fakeIo(), missing)).rejects.toThrow(`cannot read ${missing}: no such file`);
    await expect(registryRules(fakeIo(), folder)).rejects.toThrow(`cannot read ${folder}: it is a folder`);
  });

  test('reads no file and no input without end', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'postcheck-lint-'));
    const long = join(folder, 'long.yaml');
    writeFileSync(long, '');
    truncateSync(long, 33 * 1024 * 1024);
    await expect(lint(fakeIo(), { filename: [long] })).rejects.toThrow(
      `cannot read ${long}: it is longer than 32 MiB`,
    );
    async function* input() {
      for (let mib = 0; mib < 100; mib++) {
        yield Buffer.alloc(1024 * 1024);
      }
    }
    await expect(textOf(input(), 'standard input')).rejects.toThrow(
      'cannot read standard input: it is longer',
    );
    expect(await textOf(Readable.from([Buffer.from('\ufeffa: 1', 'utf16le')]), 'stdin')).toBe('a: 1');
  });

  test('reads the files of a folder and nothing else in it, and names the one that cannot be read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'postcheck-lint-'));
    writeFileSync(join(folder, 'a.yaml'), manifest(''));
    mkdirSync(join(folder, 'folder.yaml'));
    symlinkSync('/dev/null', join(folder, 'device.yaml'));
    const io = fakeIo();
    expect(await lint(io, { filename: [folder] })).toBe(0);
    expect(io.notes).toEqual(['1 Upgrade in 1 file: 0 errors, 0 warnings']);
    symlinkSync('nothing', join(folder, 'link.yaml'));
    await expect(lint(fakeIo(), { filename: [folder] })).rejects.toThrow(
      `cannot read ${folder}/link.yaml: no such file`,
    );
  });

  test('finds cycles of dependencies in the files, of one Upgrade too', async () => {
    const named = (name: string, on: string): string =>
      manifest(`  dependsOn: [{name: ${on}}]\n`)
        .replace('name: web, namespace', `name: ${name}, namespace`)
        .replace('name: web}\n', `name: ${name}}\n`);
    const input = async () =>
      [named('self', 'self'), named('a', 'b'), named('b', 'a'), named('c', 'far')].join('---\n');
    const io = { ...fakeIo(), input };
    expect(await lint(io, { filename: ['-'] })).toBe(1);
    expect(io.lines.map((line) => line.replace(/^stdin:\d+: /, ''))).toEqual([
      'error: spec.dependsOn: it depends on itself: remove self from spec.dependsOn',
      'error: spec.dependsOn: spec.dependsOn has a cycle, a → b → a: remove one of them',
      'error: spec.dependsOn: spec.dependsOn has a cycle, b → a → b: remove one of them',
    ]);
  });

  describe('with the workload', () => {
    const { workload } = new Stage({}, { kind: 'DaemonSet', desired: 3 });
    const specOf = (spec: Record<string, unknown>): UpgradeSpec => new Stage(spec).upgrade.spec;
    const stages = [
      { name: 'lab', nodes: { matchLabels: { ring: 'lab' } } },
      { name: 'few', pods: '1%' },
      { name: 'half', pods: '50%' },
    ];

    test('finds stages that no node belongs to, and stages that add no pod', () => {
      const found = (nodes: number) =>
        emptyStages(specOf({ strategy: { stages } }), { desired: 3, nodes: new Map([[0, nodes]]) });
      expect(found(0)).toEqual([['spec.strategy.stages[0].nodes', 'selects no node: none has ring=lab']]);
      expect(found(1)).toEqual([
        [
          'spec.strategy.stages[1].pods',
          'adds no pod: the pods of earlier stages count, and those have 1 pod already',
        ],
      ]);
    });

    test('finds a budget of no pod, and limits that another controller has', () => {
      const strategy = { failureBudget: { maxFailed: '10%' }, maxParallel: 2 };
      const found = (spec: Record<string, unknown>, change = {}) =>
        withoutEffect(specOf(spec), { ...workload, ...change } as WorkloadView).map(([path]) => path);
      const budget = 'spec.strategy.failureBudget.maxFailed';
      expect(found({ strategy })).toEqual([budget, 'spec.strategy.maxParallel']);
      expect(found({ strategy }, { onDelete: true })).toEqual([budget]);
      expect(found({ strategy }, { onDelete: true, desired: 10 })).toEqual([]);
      expect(found({})).toEqual([]);
    });

    test('finds dependencies that do not exist', () => {
      const { upgrade } = new Stage({ dependsOn: [{ name: 'database' }, { name: 'cache' }] });
      expect(missingDependencies(upgrade, ['cache'])).toEqual([
        [
          'spec.dependsOn[0]',
          'spec.dependsOn names Upgrade database, which does not exist in namespace shop: create it, or remove it from spec.dependsOn',
        ],
      ]);
    });
  });

  test('a broken document does not hide the others', () => {
    const text = ['kind: [a\n', manifest(''), manifest('').replace('image:', 'iamge:')].join('---\n');
    const { upgrades, findings } = lintText('up.yaml', text);
    expect(upgrades).toHaveLength(2);
    expect(findings.map(({ path }) => path)).toContain('');
    expect(findings.map(({ path }) => path)).toContain('spec.containers[0].iamge');
  });

  test('reports each mistake once', () => {
    expect(said(`kind: Upgrade\nspec: [a] b c d\n e f g h\n i j [k] l m\n`).length).toBeLessThan(3);
    const prose = said('a: "b" these are words that nobody meant as YAML\n'.repeat(9));
    expect(prose).toEqual([...new Set(prose)]);
    expect(new Set(prose.map((line) => line.replace(/^\d+ /, ''))).size).toBe(prose.length);
  });

  test.each([
    ['https://example.com/upgrade.yaml', 'download it, and pipe it to `lint -f -`'],
    [
      mkdtempSync(join(tmpdir(), 'postcheck-lint-')),
      'ends in .yaml, .yml or .json; folders inside a folder are not read',
    ],
  ])('says what to do instead of reading %s', async (name, advice) => {
    await expect(lint(fakeIo(), { filename: [name] })).rejects.toThrow(advice);
  });

  test.each(['', 'kind: Service\n'])('reports a file without an Upgrade: %j', async (text) => {
    const io = { ...fakeIo(), input: async () => text };
    await expect(lint(io, { filename: ['-'] })).rejects.toThrow(
      text === '' ? 'no Upgrade in stdin, which is empty' : 'no Upgrade in stdin',
    );
  });

  // yannh/kubeconform#124, instrumenta/kubeval#102
  test.each([
    ['  postCheck:\n', '8 spec.postCheck'],
    ['  postCheck:\n    # deadlineSeconds: 20\n    checks:\n', '10 spec.postCheck.checks'],
    [
      '  postCheck:\n    checks: [{name: a, exec: {command: [x]}, httpGet: null}]\n',
      '9 spec.postCheck.checks[0].httpGet',
    ],
  ])('reads a field without a value as the API server does, and says so: %j', (spec, where) => {
    const { findings } = lintText('up.yaml', manifest(spec));
    expect(findings.map(({ level }) => level)).toEqual(['warning']);
    expect(said(manifest(spec))).toEqual([`${where}: has no value, so it counts as not written`]);
  });

  test('rejects a required field or an entry without a value', () => {
    expect(said(manifest('  postCheck: {checks: [null]}\n'))).toEqual([
      '8 spec.postCheck.checks[0]: must be an object with fields such as name, exec, httpGet and tcpSocket',
    ]);
    expect(said(manifest('').replace(/containers:.*/s, 'containers:\n'))).toContain(
      '4 spec: has no containers, which is required',
    );
  });

  test('reports an alias of nothing, which is often text, at its line', () => {
    expect(said(manifest('  postCheck: {checks: [{name: a, exec: {command: [ls, *.txt]}}]}\n'))).toEqual([
      '8 : *.txt refers to an anchor &.txt, and there is none before it: quote it if it is text',
    ]);
  });

  test('reads merge keys, as kubectl does', () => {
    const merged = manifest('  - {<<: *web, name: side, imag: x}\n').replace('- {name', '- &web {name');
    expect(said(merged)).toEqual(['8 spec.containers[1].imag: unknown field; did you mean image?']);
  });

  test('reports an alias inside of what it stands for, at its line', () => {
    expect(said(manifest('').replace('spec:\n', 'spec: &all\n  again: *all\n'))).toEqual([
      '5 : *all is inside of what &all stands for, so it would never end',
    ]);
  });

  test.each([
    ['an action where an object begins', (text: string) => `{{- if .Values.web }}\n${text}{{- end }}\n`, 1],
    ['an action for a value', (text: string) => text.replace('name: web,', 'name: {{ .Release.Name }},'), 3],
    [
      'actions in quotes and one without',
      (text: string) => text.replace('2.0}', '2.0}\n{{ include "x" . }}'),
      8,
    ],
  ])('says that a template has to be rendered: %s', (_, templated, line) => {
    expect(said(templated(manifest('  paused: "{{ .Values.paused }}"\n')))).toEqual([
      `${line} : is a template: render it first, as in \`helm template … | kubectl postcheck lint -f -\``,
    ]);
  });

  test('reads braces in a text that is no template', () => {
    const command = '    - name: a\n      exec:\n        command:\n        - sh\n        - -c\n';
    const script = '        - |\n          docker inspect -f {{.State}} web\n';
    expect(said(manifest(`  postCheck:\n    checks:\n${command}${script}`))).toEqual([]);
  });

  test('quotes a number as it was written, which is another version than the number', () => {
    expect(said(manifest('').replace('registry.example/web:2.0', '1.10'))).toEqual([
      '7 spec.containers[0].image: must be text: write "1.10" in quotes',
    ]);
  });

  test('a word that kubectl reads as a boolean needs no quotes where a boolean belongs', () => {
    expect(said(manifest('  paused: yes\n'))).toEqual(['8 spec.paused: must be true or false']);
  });

  test('reports aliases that repeat themselves without end, and no bug of its own', () => {
    const letters = [...'abcdefg'];
    const bomb = letters.map((letter, index) => {
      const inner = index === 0 ? 'x' : `*${letters[index - 1]}`;
      return `${letter}: &${letter} [${Array(9).fill(inner).join(', ')}]`;
    });
    expect(said(bomb.join('\n'))).toEqual(['1 : its aliases repeat too much: write out what they stand for']);
  });

  test('ignores other objects, and reports the line at which a file is not YAML', () => {
    expect(lintText('a.yaml', 'kind: Service\n')).toEqual({ upgrades: [], findings: [] });
    expect(said('kind: Upgrade\nspec: "open\n')).toEqual([expect.stringMatching(/^\d+ : .*quote/)]);
  });
});
