import { describe, expect, test } from '@jest/globals';
import { readExecStatus } from './exec-status.ts';

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

test.each(['0', '256', '-1', '1.5', '', ' 7', '1e2', '0x11', 17, null, undefined])(
  'a failure with the exit code %p is no verdict',
  (code) => {
    expect(readExecStatus(nonZero(code)).kind).toBe('broken');
  },
);

describe('a command that cannot be started is missing', () => {
  test.each([
    runc('exec: "/nope": stat /nope: no such file or directory'),
    runc('exec: "nope": executable file not found in $PATH'),
    runc('exec: "/etc/passwd": permission denied'),
    runc('exec: "/etc": permission denied'),
    runc('exec: "/etc": is a directory'),
    'command error: exec failed: args must not be empty',
    'crun: executable file `/nope` not found: No such file or directory: OCI runtime attempted to invoke a command that was not found',
    'crun: open executable: Permission denied: OCI permission denied',
  ])('%s', (message) => {
    expect(readExecStatus(internal(message)).kind).toBe('missing');
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
