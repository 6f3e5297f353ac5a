/** Queries a health socket once. */
import { lstatSync } from 'node:fs';
import { connect } from 'node:net';
import { type HealthReply, healthCode, healthCodeTexts } from './health-codes.ts';
import { HEALTH_REQUEST, LineReader, parseReply, REPLY_LIMIT_BYTES } from './protocol.ts';
import { socketAddress } from './socket-address.ts';

/**
 * Queries the health server at `socket` (see socket-address.ts) once. Never rejects: any failure has its own code, and is
 * returned after `timeoutMs` at the latest.
 */
export function askHealth(socket: string, timeoutMs: number): Promise<HealthReply> {
  const address = socketAddress(socket);
  if (!address.ok) {
    return Promise.resolve({ code: healthCode.usage, message: address.why });
  }
  return new Promise((resolve) => {
    const lines = new LineReader(REPLY_LIMIT_BYTES);
    const connection = connect(address.listenOn);
    let connected = false;
    const settle = (reply: HealthReply): void => {
      clearTimeout(timer);
      connection.destroy();
      resolve(reply);
    };
    const closedEarly = (): void =>
      settle({ code: healthCode.closedEarly, message: `${socket}: ${healthCodeTexts.closedEarly}` });
    const timer = setTimeout(
      () =>
        settle({
          code: healthCode.noAnswer,
          message: `${socket}: no complete response within ${timeoutMs} ms`,
        }),
      timeoutMs,
    );

    connection.on('connect', () => {
      connected = true;
    });
    connection.on('data', (piece) => {
      const { lines: complete, tooLong } = lines.push(piece);
      const line = complete[0];
      if (line !== undefined) {
        settle(parseReply(line));
      } else if (tooLong) {
        settle({
          code: healthCode.protocolError,
          message: `${socket}: a response of more than ${REPLY_LIMIT_BYTES} bytes`,
        });
      }
    });
    connection.on('error', (error) =>
      connected ? closedEarly() : settle(connectFailure(error, socket, address.file)),
    );
    connection.on('end', closedEarly);
    connection.write(`${HEALTH_REQUEST}\n`);
  });
}

function connectFailure(error: NodeJS.ErrnoException, socket: string, file: boolean): HealthReply {
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return { code: healthCode.socketMissing, message: `${socket}: ${healthCodeTexts.socketMissing}` };
    case 'ECONNREFUSED':
      return refused(socket, file);
    case 'EACCES':
    case 'EPERM':
      return {
        code: healthCode.permissionDenied,
        message: `${socket}: ${healthCodeTexts.permissionDenied} (uid ${process.getuid?.()})`,
      };
    default:
      return { code: healthCode.connectFailed, message: `${socket}: ${error.message}` };
  }
}

/** Distinguishes the three causes of a failed connection, because each has a different fix. */
function refused(socket: string, file: boolean): HealthReply {
  if (!file) {
    return {
      code: healthCode.socketMissing,
      message: `${socket}: no process listens on this name in this network namespace`,
    };
  }
  const found = lstatSync(socket, { throwIfNoEntry: false });
  return found === undefined || found.isSocket()
    ? { code: healthCode.socketStale, message: `${socket}: ${healthCodeTexts.socketStale}` }
    : { code: healthCode.notASocket, message: `${socket}: ${healthCodeTexts.notASocket}` };
}
