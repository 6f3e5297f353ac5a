import { describe, expect, test } from '@jest/globals';
import { neverRan, readExecStatus } from './exec-status.ts';

const nonZero = (code: unknown, message = ''): string =>
  JSON.stringify({
    status: 'Failure',
    reason: 'NonZeroExitCode',
    message,
    details: { causes: [{ reason: 'ExitCode', message: code }] },
  });
const internal = (message: string): string =>
  JSON.stringify({ status: 'Failure', reason: 'InternalError', code: 500, message });
const runc = (what: string): string =>
  `error executing command in container: OCI runtime exec failed: exec failed: unable to start container process: ${what}: unknown`;

test('success is exit 0, whatever else the status carries', () => {
  expect(readExecStatus('{"metadata":{},"status":"Success"}')).toEqual({ kind: 'exit', code: 0 });
  expect(
    readExecStatus('{"status":"Success","details":{"causes":[{"reason":"ExitCode","message":"5"}]}}'),
  ).toEqual({
    kind: 'exit',
    code: 0,
  });
});

test('every code from 1 to 255 is read from the details, not from the message', () => {
  for (let code = 1; code <= 255; code += 1) {
    expect(readExecStatus(nonZero(`${code}`, 'exit code 99'))).toEqual({ kind: 'exit', code });
  }
});

test.each([
  // What Windows ends programs with: an access violation, Ctrl+C, `exit -1`, `exit 70000`.
  ['3221225477', -1073741819],
  ['3221225786', -1073741510],
  ['4294967295', -1],
  ['-1', -1],
  ['70000', 70000],
])('the code %s of Windows is the exit code %d', (reported, code) => {
  expect(readExecStatus(nonZero(reported))).toEqual({ kind: 'exit', code });
});

test.each([
  '0',
  '-0',
  '01',
  '4294967296',
  '-2147483649',
  '99999999999',
  '1.5',
  '',
  ' 7',
  '1e2',
  '0x11',
  17,
  null,
  undefined,
])('a failure with the exit code %p is no verdict', (code) => {
  expect(readExecStatus(nonZero(code)).kind).toBe('broken');
});

describe('a command that the container does not have is missing', () => {
  test.each([
    runc('exec: "/nope": stat /nope: no such file or directory'),
    runc('exec: "/t/file/x": stat /t/file/x: not a directory'),
    runc('exec: "nope": executable file not found in $PATH'),
    runc('exec: "": executable file not found in $PATH'),
    'command error: exec failed: args must not be empty',
    'crun: executable file `/nope` not found: No such file or directory: OCI runtime attempted to invoke a command that was not found',
    "executable '/nope' not found: OCI runtime attempted to invoke a command that was not found",
  ])('%s', (message) => {
    expect(readExecStatus(internal(message))).toEqual({ kind: 'missing' });
  });
});

describe('a command that is there and cannot be run says why', () => {
  test.each([
    [runc('exec: "/etc/passwd": permission denied'), 'NotExecutable'],
    [runc('exec: "/etc": permission denied'), 'NotExecutable'],
    [runc('exec: "/etc": is a directory'), 'NotExecutable'],
    [runc('eaccess /dev/shm/x: permission denied'), 'NotExecutable'],
    [runc('exec: "/usr/bin/probe": operation not permitted'), 'NotExecutable'],
    ['crun: open executable: Permission denied: OCI permission denied', 'NotExecutable'],
    ['open executable: Operation not permitted: OCI runtime permission denied error', 'NotExecutable'],
    ['crun: exec container process `/x`: Exec format error: OCI runtime error', 'WrongFormat'],
    ['exec user process caused: exec format error', 'WrongFormat'],
    ['exec user process caused "no such file or directory"', 'NoInterpreter'],
    [
      runc('chdir to cwd ("/app") set in config.json failed: no such file or directory'),
      'NoWorkingDirectory',
    ],
  ])('%s', (message, why) => {
    expect(readExecStatus(internal(message))).toEqual({ kind: 'unrunnable', why });
  });
});

describe("an exit code that is the runtime's own", () => {
  const command = '/usr/bin/readiness_probe.sh';

  test.each([
    [1, `exec ${command}: no such file or directory\n`, { kind: 'unrunnable', why: 'NoInterpreter' }],
    [255, `exec ${command}: exec format error`, { kind: 'unrunnable', why: 'WrongFormat' }],
    [1, `exec ${command}: permission denied`, { kind: 'unrunnable', why: 'NotExecutable' }],
    [255, `exec ${command}: operation not permitted\n`, { kind: 'unrunnable', why: 'NotExecutable' }],
    [
      126,
      `OCI runtime exec failed: exec failed: unable to start container process: exec: "${command}": permission denied: unknown`,
      { kind: 'unrunnable', why: 'NotExecutable' },
    ],
    [
      127,
      `OCI runtime exec failed: exec: "${command}": stat ${command}: no such file or directory`,
      { kind: 'missing' },
    ],
    [127, `crun: executable file \`${command}\` not found: No such file or directory`, { kind: 'missing' }],
    [
      255,
      `time="2026-01-01T00:00:00Z" level=error msg="exec: "${command}": executable file not found in $PATH"`,
      { kind: 'missing' },
    ],
  ])('%i with %s', (code, output, expected) => {
    expect(neverRan(code, output, command)).toEqual(expected);
  });

  test.each([
    ['of a command that said so of something else', 1, 'exec /usr/bin/other: no such file or directory'],
    ['of a script that could not find what it calls', 127, `${command}: line 2: curl: not found`],
    [
      'of a program that logs in the same form',
      1,
      'time="2026-01-01T00:00:00Z" level=error msg="no database"',
    ],
    ['of a program that says what went wrong', 1, 'error: the database is down'],
    ['that no runtime ends with', 2, `exec ${command}: no such file or directory`],
    ['after the command had printed something', 1, `hello\nexec ${command}: no such file or directory`],
    ['without a word', 127, ''],
  ])("is the command's %s", (_what, code, output) => {
    expect(neverRan(code, output, command)).toBeUndefined();
  });
});

describe('a runtime that could not start the command for a reason of its own says nothing about it', () => {
  const command = '/usr/bin/readiness_probe.sh';
  const oci = 'OCI runtime exec failed: exec failed: unable to start container process: ';

  test.each([
    [255, `exec ${command}: resource temporarily unavailable\n`],
    [255, `exec ${command}: text file busy`],
    [1, `exec ${command}: input/output error`],
    [1, `exec ${command}: cannot allocate memory`],
    [126, `${oci}read init-p: connection reset by peer: unknown`],
    [126, `${oci}error executing setns process: exit status 1: unknown`],
    [126, 'OCI runtime exec failed: fork/exec /usr/bin/runc: too many open files: unknown'],
    [
      126,
      'rpc error: code = 2 desc = oci runtime error: exec failed: container_linux.go:235: starting container process caused "process_linux.go:110: decoding init error from pipe caused \\"read parent: connection reset by peer\\""',
    ],
    [255, 'crun: setns(pid=87793, CLONE_NEWUSER): Operation not permitted: OCI permission denied'],
    [255, 'time="2026-01-01T00:00:00Z" level=error msg="exec failed: unable to start container process: x"'],
  ])('%i with %s', (code, output) => {
    expect(neverRan(code, output, command)).toEqual({ kind: 'broken', message: output.trim() });
  });

  test('nor if the container is gone', () => {
    const output = 'OCI runtime exec failed: exec failed: cannot exec in a stopped container: unknown\n';
    expect(neverRan(126, output, command)).toEqual({ kind: 'gone', message: output.trim() });
  });
});

describe('a container that is not there is gone', () => {
  test.each([
    'unable to upgrade connection: container not found ("web")',
    'error executing command in container: container is not running',
    'container is in CONTAINER_EXITED state',
    'OCI runtime exec failed: exec failed: cannot exec in a stopped container',
    'failed to exec in container: failed to load task: no running task found: task 0f3a not found',
  ])('%s', (message) => {
    expect(readExecStatus(internal(message)).kind).toBe('gone');
  });
});

describe('anything else is no evidence about the container', () => {
  test.each([
    internal(
      runc(
        'error adding pid 77 to cgroups: failed to write 77: open /sys/fs/cgroup/x/cgroup.procs: no such file or directory',
      ),
    ),
    internal('error dialing backend: dial tcp 10.0.0.1:10250: connect: connection refused'),
    internal('open /run/containerd.sock: permission denied'),
    internal('OCI runtime exec failed: /usr/local/bin/runc-wrapper did not terminate successfully: SIGABRT'),
    internal(
      'failed to start exec "b937": failed to retrieve OCI runtime exec internal pid: open /run/b937-internal.pid: no such file or directory',
    ),
    internal('failed to exec in container: failed to start exec "a3": ttrpc: closed: unknown'),
    internal(''),
    '{"status":"Failure"}',
    '{"status":"Failure","reason":"NonZeroExitCode"}',
    '{"status":"Maybe"}',
    '{"status":true}',
    '{}',
    '[]',
    'null',
    '"Success"',
    '',
    '{"status":"Succ',
    '\u0000',
  ])('%s', (frame) => {
    expect(readExecStatus(frame).kind).toBe('broken');
  });
});
