/** Creates and removes the socket file safely. */
import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, rename, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';

/** Length of the suffix that `listenOnFile` appends to the path while it binds. */
export const TEMPORARY_SUFFIX_BYTES = 9;

/** How long an existing owner of the path may take to accept a connection before it counts as alive but stuck. */
const ALIVE_LIMIT_MS = 1000;

/** Removes the socket file, unless it belongs to another process now. */
export type RemoveFile = () => Promise<void>;

/**
 * Binds `server` to `path`, readable and writable for owner and group only, and returns the function that removes it.
 *
 * It binds to a temporary name, sets the mode, and then renames it. So the path never contains a socket that is not
 * listening yet or has wider permissions, and libuv, which unlinks the bound name when a server closes, cannot remove the
 * socket of a process that took over meanwhile (nodejs/node#19729).
 *
 * Throws an Error that says what to do if a live process owns the path, if the path is not a socket, or if the directory
 * cannot be used. The socket of a killed process is replaced.
 */
export async function listenOnFile(server: Server, path: string): Promise<RemoveFile> {
  await makeDirectory(dirname(path));
  await refuseUnlessFree(path);
  const temporary = `${path}.${randomBytes(4).toString('hex')}`;
  await listen(server, temporary);
  try {
    await chmod(temporary, 0o660);
    const own = await lstat(temporary);
    await rename(temporary, path);
    return async () => {
      const now = await lstat(path).catch(() => undefined);
      if (now !== undefined && now.ino === own.ino && now.dev === own.dev) {
        await unlink(path).catch(() => undefined);
      }
    };
  } catch (error) {
    server.close();
    throw explained(error, path);
  }
}

/** Binds `server`; rejects with an Error that names the address. */
export function listen(server: Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(explained(error, address.replace('\0', '@')));
    server.once('error', failed);
    server.listen(address, () => {
      server.off('error', failed);
      resolve();
    });
  });
}

/** Creates only the last directory of the path: a recursive mkdir would report a read-only file system as ENOENT. */
async function makeDirectory(directory: string): Promise<void> {
  await mkdir(directory, { mode: 0o750 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') {
      throw explained(error, directory);
    }
  });
}

async function refuseUnlessFree(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') {
      return undefined;
    }
    throw explained(error, path);
  });
  if (found === undefined) {
    return;
  }
  if (!found.isSocket()) {
    throw new Error(`${path} exists and is not a socket; choose another path`);
  }
  const uid = process.getuid?.();
  if (found.uid !== uid) {
    throw new Error(
      `${path} is a socket of uid ${found.uid}, this process runs as uid ${uid}; remove it or choose another path`,
    );
  }
  if (await somebodyListens(path)) {
    throw new Error(`${path} is in use: a process responds on it; stop it first or choose another path`);
  }
}

function somebodyListens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    const settle = (alive: boolean): void => {
      probe.destroy();
      resolve(alive);
    };
    probe.on('connect', () => settle(true));
    // Only a refused connection means that no process listens; a full queue (EAGAIN), for example, means the opposite.
    probe.on('error', (error: NodeJS.ErrnoException) =>
      settle(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    );
    probe.setTimeout(ALIVE_LIMIT_MS, () => settle(true));
  });
}

const advice: Readonly<Record<string, string>> = {
  EROFS: 'the file system is read-only; mount an emptyDir there or use an abstract name (@name)',
  EACCES: 'this user cannot write there; mount an emptyDir with a matching fsGroup',
  EPERM: 'this user cannot write there; mount an emptyDir with a matching fsGroup',
  ENOSPC: 'the volume is full',
  ENOENT: 'the parent directory does not exist',
  ENOTDIR: 'a part of the path is not a directory',
  EADDRINUSE: 'a process responds on this name; stop it first or choose another name',
};

function explained(error: unknown, path: string): Error {
  const cause = error as NodeJS.ErrnoException;
  return new Error(
    `no health socket at ${path}: ${advice[cause.code ?? ''] ?? cause.message} (${cause.code ?? 'no code'})`,
    { cause },
  );
}
