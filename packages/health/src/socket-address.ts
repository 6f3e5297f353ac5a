/**
 * The address of a health socket. There are three forms:
 *
 * - a path, `/run/app/health.sock`: guarded by the permissions of the file and of its directory;
 * - `@name`, Linux only: an abstract name, no file at all (for a read-only root without any volume), but open to every
 *   process in the same network namespace, which means the whole pod and, with hostNetwork, the whole node;
 * - `\\.\pipe\name` on Windows: a named pipe. It vanishes with its process, so there is nothing to clean up; who may
 *   connect is not ours to set. The tests run on Linux only.
 */

/** Maximum length of a unix socket's path in bytes: sun_path without its terminating zero byte. */
const pathLimitBytes = process.platform === 'linux' ? 107 : 103;

/** `listenOn` is the address for node:net; `file` says whether the socket is a file. */
export type SocketAddress =
  | { readonly ok: true; readonly listenOn: string; readonly file: boolean }
  | { readonly ok: false; readonly why: string };

/**
 * Parses a name as users write it, given how many bytes the caller will append to a path.
 *
 * A path that is too long is rejected here, because libuv truncated it silently for years, so that server and client used
 * another file.
 */
export function socketAddress(name: string, reservedBytes = 0): SocketAddress {
  if (name === '' || name === '@') {
    return { ok: false, why: 'the socket has no name' };
  }
  if (name.includes('\0')) {
    return { ok: false, why: 'the socket name contains a zero byte; write an abstract name as @name' };
  }
  const abstract = name.startsWith('@');
  if (abstract && process.platform !== 'linux') {
    return { ok: false, why: `${name}: abstract sockets exist on Linux only` };
  }
  const file = !abstract && !/^\\\\[.?]\\pipe\\/.test(name);
  const limitBytes = pathLimitBytes - (file ? reservedBytes : 0);
  const bytes = Buffer.byteLength(name);
  if (bytes > limitBytes) {
    return {
      ok: false,
      why: `the socket name has ${bytes} bytes, more than the system's limit of ${limitBytes}: ${name}`,
    };
  }
  return { ok: true, listenOn: abstract ? `\0${name.slice(1)}` : name, file };
}
