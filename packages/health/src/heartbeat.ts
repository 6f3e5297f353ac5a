/**
 * The heartbeat file: a worker without any port shows by it that its work loop turns.
 *
 * The file holds `<pid> <sequence>\n`; its modification time is the beat. It is replaced, never rewritten, so a reader
 * sees a whole beat or none.
 */
import { rename, rm, writeFile } from 'node:fs/promises';

export interface HeartbeatOptions {
  readonly path: string;
  /** Beats that come sooner after a written one cost nothing and write nothing. Default 1000; keep it well below the check's --max-age-seconds. */
  readonly minIntervalMs?: number;
  /** Called when beats start to fail (full or read-only volume, permissions), once per streak. Default: a process warning. */
  readonly onError?: (error: Error) => void;
}

export interface Heartbeat {
  /**
   * Call it where the work is done, once per turn: a timer beats on while the work hangs. The first call says that the
   * start-up is over. Never rejects and never throws: a full disk must not end the worker, it stops the beats.
   */
  beat(): Promise<void>;
  /** Removes the file and ignores later beats, so that a worker that shuts down is not ready from now on. */
  stop(): Promise<void>;
}

/**
 * Prepares the heartbeat of this process and removes what an earlier one left behind: a volume outlives a container,
 * and the next one's process often has the same pid.
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
      // What is left of a temporary file would take the room that the next beat needs.
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
