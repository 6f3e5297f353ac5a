/** Every verb and flag: what `--help`, docs/cli.md and the completion know. */
import { Command, Option } from 'commander';
import { Cluster, type ConnectionFlags } from './cluster.ts';
import type { Io } from './io.ts';
import type { GetOptions } from './verbs/get.ts';
import type { StatusOptions } from './verbs/status.ts';

/** What a verb is run with. */
export interface Surroundings {
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
type Running = <O extends object>(run: Run<O>) => (...given: unknown[]) => Promise<void>;

export const CONNECTION = 'Connection, as for every kubectl command:';
export const LOOK = 'Look:';
export const ACT = 'Act:';
export const PREPARE = 'Prepare:';
export const INSTALLATION = 'Installation:';

/** kubectl's connection flags, valid before and after the verb. */
function withConnectionFlags(program: Command): Command {
  const collect = (value: string, all: readonly string[] = []): string[] => [...all, value];
  return program
    .optionsGroup(CONNECTION)
    .option('-n, --namespace <name>', "namespace (default: the context's)")
    .option('--kubeconfig <file>', 'kubeconfig to use (default: $KUBECONFIG, else ~/.kube/config)')
    .option('--context <name>', 'context of the kubeconfig')
    .option('--cluster <name>', 'cluster of the kubeconfig')
    .option('--user <name>', 'user of the kubeconfig')
    .option('-s, --server <url>', 'address of the API server')
    .option('--token <token>', 'bearer token')
    .option('--as <user>', 'user to impersonate')
    .option('--as-group <group>', 'group to impersonate; may be repeated', collect)
    .option('--as-uid <uid>', 'UID to impersonate')
    .option('--certificate-authority <file>', "the API server's authority")
    .option('--client-certificate <file>', 'client certificate')
    .option('--client-key <file>', 'key of the client certificate')
    .option('--insecure-skip-tls-verify', "do not verify the API server's certificate")
    .option('--tls-server-name <name>', "name to expect in the API server's certificate")
    .option('--username <name>', 'user name for basic authentication')
    .option('--password <password>', 'password for basic authentication')
    .option('--request-timeout <time>', 'limit of one request, such as 30s (default: 15s)');
}

/** The whole command line. `done` is told the exit code. */
export function createProgram(around: Surroundings, done: (exitCode: number) => void): Command {
  const program = withConnectionFlags(new Command('kubectl postcheck'));
  program
    .description('What the Upgrades of a cluster do, why, and what to do about it.')
    .helpOption('-h, --help', 'help for a verb')
    .helpCommand('help [verb]', 'help for a verb')
    .configureHelp({ showGlobalOptions: false })
    .showSuggestionAfterError()
    .exitOverride();
  const running: Running =
    (run) =>
    async (...given: unknown[]): Promise<void> => {
      const command = given.at(-1) as Command;
      const options = command.optsWithGlobals<Parameters<typeof run>[2]>();
      const cluster = await Cluster.open(options, around.environment);
      try {
        done(await run(cluster, around.io, options, command.args));
      } finally {
        cluster.close();
      }
    };
  addLooks(program, running);
  return program;
}

function addLooks(program: Command, running: Running): void {
  program
    .command('get')
    .helpGroup(LOOK)
    .argument('[name...]', 'Upgrades, or workloads such as deployment/web')
    .summary('list the Upgrades, those that need a person first')
    .description('List the Upgrades, those that need a person first.')
    .option('-A, --all-namespaces', 'in all namespaces')
    .option('-w, --watch', 'go on: redraw on a terminal, a line for each change in a pipe')
    .addOption(new Option('-o, --output <format>', 'format').choices(['wide', 'json', 'yaml', 'name']))
    .option('--phase <phases>', 'only these phases, separated by commas')
    .option('--needs-person', 'only those that stand still until a person acts')
    .option('-l, --selector <labels>', 'only those with these labels')
    .action(
      running<GetOptions>(async (cluster, io, options, names) =>
        (await import('./verbs/get.ts')).get(io, cluster, names, options),
      ),
    );
  program
    .command('status')
    .helpGroup(LOOK)
    .argument('<name>', 'an Upgrade, or a workload such as deployment/web')
    .summary('wait until an Upgrade is decided; the exit code is the verdict')
    .description(
      'Wait until an Upgrade is decided, with a line for each change.\n\nExit codes: 0 Succeeded, 2 FellBack, 3 FallbackFailed, 4 Failed, Aborted or Partial, 5 not decided in time, 1 usage or connection.',
    )
    .option('--watch [bool]', 'wait; with --watch=false say how it stands now', boolean, true)
    .option('--timeout <time>', 'wait no longer than this, such as 10m; 0 waits for ever', '0')
    .addOption(new Option('-o, --output <format>', 'format').choices(['json', 'yaml']))
    .action(
      running<StatusOptions>(async (cluster, io, options, [name = '']) =>
        (await import('./verbs/status.ts')).status(io, cluster, name, options),
      ),
    );
}

/** `--flag`, `--flag=true` and `--flag=false`, as kubectl takes them. */
const boolean = (value: string): boolean => !/^(false|0|no)$/i.test(value);
