/** Fakes the server side of an exec: sends the result of a container as frames of the protocol. */
import type { Socket } from 'node:net';
import type { Answer } from '../sim/behaviour.ts';
import { acceptUpgrade, channel, closeFrame } from './server.ts';

const failed = (reason: string, message: string, causes: unknown[] = []): Buffer =>
  channel(3, JSON.stringify({ metadata: {}, status: 'Failure', reason, message, details: { causes } }));
const exited = (code: number): Buffer =>
  code === 0
    ? channel(3, '{"metadata":{},"status":"Success"}')
    : failed('NonZeroExitCode', `command terminated with exit code ${code}`, [
        { reason: 'ExitCode', message: String(code) },
      ]);

function refuse(socket: Socket, status: number, message: string): void {
  const body = JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code: status });
  socket.end(
    `HTTP/1.1 ${status} x\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

/** Responds like the container. `hang` starts and sends nothing more; `broken` is disconnected. */
export function fakeExec(socket: Socket, key: string, answer: Answer | 'gone'): void {
  socket.resume();
  if (answer === 'refused') {
    refuse(socket, 403, 'pods "exec" is forbidden');
    return;
  }
  acceptUpgrade(socket, key);
  socket.write(channel(1));
  if (answer === 'hang') {
    return;
  }
  if (answer === 'broken') {
    socket.destroy();
    return;
  }
  const { code, output = '', afterMs = 0 } = typeof answer === 'object' ? answer : { code: answer };
  setTimeout(() => {
    if (output !== '') {
      socket.write(channel(1, output));
    }
    socket.write(lastFrame(code));
    socket.end(closeFrame(1000));
  }, afterMs);
}

function lastFrame(code: number | string): Buffer {
  if (code === 'missing') {
    return failed(
      'InternalError',
      'error executing command in container: exec: "/usr/bin/readiness_probe.sh": stat /usr/bin/readiness_probe.sh: no such file or directory',
    );
  }
  if (code === 'gone') {
    return failed('InternalError', 'container not found ("web")');
  }
  return exited(code === 'dies' ? 137 : Number(code));
}
