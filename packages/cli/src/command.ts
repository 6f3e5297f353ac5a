/** How a verb is declared and run: its name, its flags, and the cluster that it is run with. */
import { type Command, Option } from 'commander';
import type { Cluster, ConnectionFlags } from './cluster.ts';
import type { Io } from './io.ts';

/** What a verb is run with. */
export interface Context {
  readonly io: Io;
  readonly environment: NodeJS.ProcessEnv;
  readonly version: string;
}

type Run<O> = (
  cluster: Cluster,
  io: Io,
  options: O & ConnectionFlags,
  args: readonly string[],
) => Promise<number>;
export type Running = <O extends object>(run: Run<O>) => (...given: unknown[]) => Promise<void>;

export const CONNECTION = 'Connection, as for every kubectl command:';
export const INSPECT = 'Inspect:';
export const CONTROL = 'Control:';
export const PREPARE = 'Prepare:';
export const INSTALLATION = 'Installation:';

export const NAME = ['<name>', 'an Upgrade, or a workload such as deployment/web'] as const;

export const format = (...formats: string[]): Option =>
  new Option('-o, --output <format>', `one of ${formats.join(', ')}`).choices(formats);

/** Adds a verb with its description. */
export function verb(program: Command, group: string, words: string, summary: string): Command {
  return program
    .command(words)
    .helpGroup(group)
    .summary(summary)
    .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`);
}

export const repeated = (value: string, all: readonly string[] = []): string[] => [...all, value];

export type Done = (exitCode: number) => void;

/** Opens the cluster that the flags select. Loaded only if a verb needs it: `--help` and `lint` do not. */
export async function openCluster(flags: ConnectionFlags, { environment }: Context): Promise<Cluster> {
  const { Cluster } = await import('./cluster.ts');
  return await Cluster.open(flags, environment);
}

export const open = (context: Context, command: Command): Promise<Cluster> =>
  openCluster(command.optsWithGlobals<ConnectionFlags>(), context);

export async function withCluster<T>(
  context: Context,
  command: Command,
  run: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const cluster = await open(context, command);
  try {
    return await run(cluster);
  } finally {
    cluster.close();
  }
}
