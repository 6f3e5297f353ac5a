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
  /** One run of the check; default 1000. Keep it below the client's limit (2 s), and that below the probe's. */
  readonly checkTimeoutMs?: number;
  /** How long an answer is reused; default 500. Keep it below the probe's period. */
  readonly cacheMs?: number;
  /** A whole connection; default 5000. */
  readonly connectionTimeoutMs?: number;
  /** Connections at one time; more are closed at once. Default 64. */
  readonly maxConnections?: number;
  /** Called for errors of the server itself after its start. Default: a process warning. */
  readonly onError?: (error: Error) => void;
}

export interface HealthServer {
  /** Stops listening, removes the socket file if it is still this server's, and ends open connections. */
  close(): Promise<void>;
}

/**
 * Starts answering health requests for this process. Resolves once the socket can be asked; rejects with an Error that
 * says what to do when it cannot be made.
 *
 * The server never keeps the process alive, and nothing that a peer does on the socket can end the process. A blocked
 * event loop answers nobody: that is the point of asking over a socket.
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
  // Abstract names and Windows pipes leave nothing behind.
}

/** Gives a function that ends the server together with its connections, and resolves when both are gone. */
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
