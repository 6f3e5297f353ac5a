/** Starts a health server on a unix socket. */
import { createServer, type Server } from 'node:net';
import { checkRunner, type HealthCheck } from './check-runner.ts';
import { serveConnection } from './connection.ts';
import { socketAddress } from './socket-address.ts';
import { listen, listenOnFile, type RemoveFile, TEMPORARY_SUFFIX_BYTES } from './socket-file.ts';

export interface HealthServerOptions {
  /** A path, `@name` (abstract, Linux), or a Windows pipe; see socket-address.ts. */
  readonly socket: string;
  readonly check: HealthCheck;
  /** Time limit of one run of the check; default 1000. Keep it below the client's limit (2 s), and that below the probe's. */
  readonly checkTimeoutMs?: number;
  /** How long a result is reused; default 500. Keep it below the probe's period. */
  readonly cacheMs?: number;
  /** Time limit of a whole connection; default 5000. */
  readonly connectionTimeoutMs?: number;
  /** Limit of concurrent connections; further ones are closed at once. Default 64. */
  readonly maxConnections?: number;
  /** Called for errors of the server itself after its start. Default: a process warning. */
  readonly onError?: (error: Error) => void;
}

export interface HealthServer {
  /** Stops listening, removes the socket file if it is still this server's, and ends open connections. */
  close(): Promise<void>;
}

/**
 * Starts to serve health requests for this process. Resolves when the socket can be queried; rejects with an Error that
 * says what to do if it cannot be created.
 *
 * The server never keeps the process alive, and nothing that a peer does on the socket can end the process. A process
 * with a blocked event loop does not respond, which is the purpose of a socket.
 */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const address = socketAddress(options.socket, TEMPORARY_SUFFIX_BYTES);
  if (!address.ok) {
    throw new Error(`no health socket: ${address.why}`);
  }
  const ask = checkRunner(options.check, {
    checkTimeoutMs: options.checkTimeoutMs ?? 1000,
    cacheMs: options.cacheMs ?? 500,
  });
  const server = createServer({ allowHalfOpen: true });
  const close = closer(server);
  server.on('connection', (socket) => serveConnection(socket, ask, options.connectionTimeoutMs ?? 5000));
  server.maxConnections = options.maxConnections ?? 64;
  server.unref();
  const removeFile: RemoveFile = address.file
    ? await listenOnFile(server, address.listenOn)
    : await listen(server, address.listenOn).then(() => noFile);
  server.on('error', options.onError ?? ((error) => process.emitWarning(error)));
  return {
    close: async () => {
      await removeFile();
      await close();
    },
  };
}

async function noFile(): Promise<void> {
  // Abstract names and Windows pipes need no cleanup.
}

/** Returns a function that closes the server and its connections, and resolves when both are closed. */
function closer(server: Server): () => Promise<void> {
  const open = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of open) {
        socket.destroy();
      }
    });
}
