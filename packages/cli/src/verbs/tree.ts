/** `tree`: the Upgrade down to its checks, with clocks that only the operator's own decisions know. */
import type { Cluster } from '../cluster.ts';
import type { Io } from '../io.ts';
import { gather, type Scene } from '../scene.ts';
import { Screen } from '../screen.ts';
import { decided } from '../standing.ts';
import { clockTime } from '../text.ts';
import { treeLines } from '../tree-picture.ts';
import { type Found, findUpgrade, found, upgradeTarget } from '../upgrades.ts';

export interface TreeOptions {
  readonly watch?: boolean;
}

/** Between two reads of the cluster; the clocks are redrawn each second. */
const LOOK_EVERY_MS = 2000;

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

/** Redraws on a terminal until the Upgrade is decided; in a pipe, writes the tree again when it has changed. */
async function watch(io: Io, cluster: Cluster, first: Found, start: Scene): Promise<number> {
  const screen = io.terminal ? new Screen(io) : undefined;
  let scene = start;
  let lookedAt = io.now();
  let told = '';
  const draw = (): void => {
    const lines = treeLines(io, scene);
    const text = lines.join('\n');
    if (screen) {
      const since = Math.round((io.now() - lookedAt) / 1000);
      screen.draw(lines, [io.paint('gray', `updated ${clockTime(lookedAt)}, ${since} s ago; Ctrl-C ends`)]);
    } else if (withoutClocks(text) !== told) {
      io.out(told === '' ? text : `\n${text}`);
      told = withoutClocks(text);
    }
  };
  screen?.open();
  try {
    for (;;) {
      draw();
      if (io.signal.aborted || decided(scene.upgrade) !== undefined) {
        return decided(scene.upgrade) ?? 0;
      }
      await pause(io, 1000);
      if (io.now() - lookedAt >= LOOK_EVERY_MS && !io.signal.aborted) {
        scene = await again(cluster, first, scene, screen);
        lookedAt = io.now();
      }
    }
  } finally {
    screen?.close();
  }
}

/** A fresh scene; the last one, with a note, while the API server does not answer. */
async function again(
  cluster: Cluster,
  { upgrade }: Found,
  last: Scene,
  screen: Screen | undefined,
): Promise<Scene> {
  try {
    const scene = await gather(cluster, found(await cluster.read(upgradeTarget(upgrade))));
    screen?.say('');
    return scene;
  } catch (error) {
    screen?.say((error as Error).message);
    return last;
  }
}

const withoutClocks = (text: string): string => text.replace(/\b(\d+[dhms])+\b/g, '');

const pause = (io: Io, ms: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    io.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
