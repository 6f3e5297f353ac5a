/** `dashboard`: serves a page on this machine, with the caller's permissions, until Ctrl-C. */
import type { Cluster } from '../cluster.ts';
import { actFor } from '../dashboard/act.ts';
import { Board } from '../dashboard/board.ts';
import { listen, type Page } from '../dashboard/server.ts';
import { Fault } from '../fault.ts';
import type { Io } from '../io.ts';

export interface DashboardOptions {
  readonly port?: number;
  readonly allowActions?: boolean;
  readonly namespace?: string;
}

/** Defined by the bundler: the page with its script and style. */
declare const POSTCHECK_PAGE: Page | undefined;

export async function dashboard(
  io: Io,
  cluster: Cluster,
  version: string,
  options: DashboardOptions,
): Promise<number> {
  const page = typeof POSTCHECK_PAGE === 'object' ? POSTCHECK_PAGE : undefined;
  if (page === undefined) {
    throw new Fault(
      'this build does not contain the page: run the tool bundled by `node packages/cli/build.ts`',
    );
  }
  const canAct = options.allowActions === true;
  const { namespace } = options;
  const board = await Board.open(cluster, { version, canAct, namespace, now: () => cluster.now() });
  try {
    const listening = await listen(
      {
        page,
        now: () => cluster.now(),
        subscribe: (subject, send) => board.subscribe(subject, send),
        act: (request) => actFor({ cluster, canAct, now: () => cluster.now() }, request),
      },
      options.port ?? 0,
    );
    io.out(listening.url);
    io.note(
      `Open this URL in a browser on this machine; anyone who has it can read${canAct ? ' and act' : ''} with your permissions. Press Ctrl-C to end it.`,
    );
    await aborted(io.signal);
    await listening.close();
    return 0;
  } finally {
    await board.close();
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
    }
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
