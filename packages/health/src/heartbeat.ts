/**
 * The heartbeat file, with which a worker without a port shows that its work loop is running.
 *
 * The file holds `<pid> <sequence>\n`; its modification time is the beat. It is replaced, never rewritten, so a reader
 * sees a whole beat or none.
 */
import { rename, rm, writeFile } from 'node:fs/promises';

export interface HeartbeatOptions {
  readonly path: string;
  /** Minimum interval between written beats; earlier ones cost nothing. Default 1000; keep it well below the check's --max-age-seconds. */
  readonly minIntervalMs?: number;
  /** Called when beats start to fail (full or read-only volume, permissions), once per streak. Default: a process warning. */
  readonly onError?: (error: Error) => void;
}

export interface Heartbeat {
  /**
   * Call it in the work loop, once per iteration: a timer would continue while the work hangs. The first call means that the
   * startup is complete. Never rejects and never throws: a full disk must not end the worker, it only stops the beats.
   */
  beat(): Promise<void>;
  /** Removes the file and ignores later beats, so that a worker that shuts down is not ready from now on. */
  stop(): Promise<void>;
}

/**
 * Prepares the heartbeat of this process and removes that of an earlier one: a volume outlives a container, and the
 * process in the next container often has the same PID.
 */
export async function startHeartbeat(options: HeartbeatOptions): Promise<Heartbeat> {
  const { path, minIntervalMs = 1000, onError = (error) => process.emitWarning(error) } = options;
  const temporary = `${path}.${process.pid}`;
  await rm(path, { force: true });
  let sequence = 0;
  let writtenMs = Number.NEGATIVE_INFINITY;
  let stopped = false;
  let failing = false;
  let writing: Promise<void> | undefined;

  async function write(): Promise<void> {
    try {
      await writeFile(temporary, `${process.pid} ${sequence + 1}\n`);
      await rename(temporary, path);
      sequence += 1;
      writtenMs = performance.now();
      failing = false;
    } catch (error) {
      // Remains of a temporary file would use the space that the next beat needs.
      await rm(temporary, { force: true }).catch(() => undefined);
      if (!failing) {
        onError(
          new Error(
            `cannot write the heartbeat ${path}, so the worker will be reported as dead: ${(error as Error).message}`,
            {
              cause: error,
            },
          ),
        );
      }
      failing = true;
    } finally {
      writing = undefined;
    }
  }

  return {
    beat: async () => {
      if (!stopped && performance.now() - writtenMs >= minIntervalMs) {
        writing ??= write();
        await writing;
      }
    },
    stop: async () => {
      stopped = true;
      await writing;
      await rm(path, { force: true });
    },
  };
}
