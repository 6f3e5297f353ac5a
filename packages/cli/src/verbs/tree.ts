/** `tree`: shows the Upgrade with its workload, revisions, pods and checks, once or until the attempt has ended. */
import type { Cluster } from '../cluster.ts';
import { EXIT } from '../fault.ts';
import { type Io, pause } from '../io.ts';
import { gather, type Scene } from '../scene.ts';
import { Screen } from '../screen.ts';
import { clockTime } from '../text.ts';
import { footLines, objectLines, treeLines } from '../tree-picture.ts';
import { readAgain, troubleNotes } from '../trouble.ts';
import { decided } from '../upgrade-state.ts';
import { type Found, findUpgrade, found, upgradeTarget } from '../upgrades.ts';

export interface TreeOptions {
  readonly watch?: boolean;
}

/** Interval between reads of the cluster; the times are redrawn each second. */
const POLL_INTERVAL_MS = 2000;

export async function tree(io: Io, cluster: Cluster, name: string, options: TreeOptions): Promise<number> {
  const first = await findUpgrade(cluster, name);
  const scene = await gather(cluster, first);
  if (options.watch) {
    return await watch(io, cluster, first, scene);
  }
  for (const line of treeLines(io, scene)) {
    io.out(line);
  }
  return 0;
}

/** Redraws on a terminal until the attempt has ended; in a pipe, prints the tree again when it has changed. */
async function watch(io: Io, cluster: Cluster, first: Found, start: Scene): Promise<number> {
  const screen = io.terminal ? new Screen(io) : undefined;
  let scene = start;
  let readAt = io.now();
  let printed = '';
  const note = troubleNotes(io, screen);
  const draw = (): void => {
    const text = treeLines(io, scene).join('\n');
    if (screen) {
      const since = Math.round((io.now() - readAt) / 1000);
      screen.draw(objectLines(io, scene), {
        head: [io.paint('gray', `updated ${clockTime(readAt)}, ${since} s ago; Ctrl-C ends`)],
        foot: footLines(io, scene),
      });
    } else if (withoutTimes(text) !== printed) {
      io.out(printed === '' ? text : `\n${text}`);
      printed = withoutTimes(text);
    }
  };
  screen?.open();
  try {
    for (;;) {
      draw();
      if (io.signal.aborted || decided(scene.upgrade) !== undefined) {
        return decided(scene.upgrade) ?? EXIT.interrupted;
      }
      await pause(io, 1000);
      if (io.now() - readAt >= POLL_INTERVAL_MS && !io.signal.aborted) {
        const read = async () => gather(cluster, found(await cluster.read(upgradeTarget(first.upgrade))));
        scene = (await readAgain(read, note)) ?? scene;
        readAt = io.now();
      }
    }
  } finally {
    screen?.close();
  }
}

const withoutTimes = (text: string): string => text.replace(/\b(\d+[dhms])+\b/g, '');
