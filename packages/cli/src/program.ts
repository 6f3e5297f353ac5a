/** Every command and flag; `--help`, docs/cli.md and the completion are made from it. */
import { Argument, Command, Option } from 'commander';
import type { Cluster, ConnectionFlags } from './cluster.ts';
import type { Io } from './io.ts';
import type { ActOptions } from './verbs/act.ts';
import type { BundleOptions } from './verbs/bundle.ts';
import type { CheckOptions } from './verbs/check.ts';
import type { CodesOptions } from './verbs/codes.ts';
import type { DashboardOptions } from './verbs/dashboard.ts';
import type { EventsOptions } from './verbs/events.ts';
import type { GatesOptions, OpenOptions } from './verbs/gates.ts';
import type { GetOptions } from './verbs/get.ts';
import type { HistoryOptions } from './verbs/history.ts';
import type { InitOptions } from './verbs/init.ts';
import type { LintOptions } from './verbs/lint.ts';
import type { LogsOptions } from './verbs/logs.ts';
import type { ProbeOptions } from './verbs/probe.ts';
import type { StatusOptions } from './verbs/status.ts';
import type { TreeOptions } from './verbs/tree.ts';
import type { VersionOptions } from './verbs/version.ts';
import type { WhyOptions } from './verbs/why.ts';

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
export const LOOK = 'Inspect:';
export const ACT = 'Control:';
export const PREPARE = 'Prepare:';
export const INSTALLATION = 'Installation:';

/** kubectl's connection flags, valid before and after the verb. */
function withConnectionFlags(program: Command): Command {
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
    .option('--as-group <group>', 'group to impersonate; may be repeated', repeated)
    .option('--as-uid <uid>', 'UID to impersonate')
    .option('--certificate-authority <file>', 'certificate authority of the API server')
    .option('--client-certificate <file>', 'client certificate')
    .option('--client-key <file>', 'key of the client certificate')
    .option('--insecure-skip-tls-verify', "do not verify the API server's certificate")
    .option('--tls-server-name <name>', "server name for verifying the API server's certificate")
    .option('--username <name>', 'user name for basic authentication')
    .option('--password <password>', 'password for basic authentication')
    .option('--request-timeout <time>', 'time limit of one request, such as 30s (default: 15s)');
}

/** The whole command line. `done` receives the exit code. */
export function createProgram(around: Surroundings, done: Done): Command {
  const program = withConnectionFlags(new Command('kubectl postcheck'));
  program
    .description('Inspect and control the Upgrades of a cluster.')
    .helpOption('-h, --help', 'help for a verb')
    .helpCommand('help [verb]', 'help for a verb')
    .configureHelp({ showGlobalOptions: false })
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => around.io.write(text),
      writeErr: (text) => around.io.note(text.trimEnd()),
    })
    .exitOverride();
  const running: Running =
    (run) =>
    async (...given: unknown[]): Promise<void> => {
      const command = given.at(-1) as Command;
      const options = command.optsWithGlobals<Parameters<typeof run>[2]>();
      done(
        await withCluster(around, command, (cluster) => {
          // Deadlines and ages are the cluster's: the clock of this machine may be wrong.
          const io = { ...around.io, now: () => cluster.now() };
          return run(cluster, io, options, command.args);
        }),
      );
    };
  addLooks(program, running, around);
  addActs(program, running);
  addPreparations(program, running, around, done);
  addInstallation(program, running, around, done);
  return program;
}

const NAME = ['<name>', 'an Upgrade, or a workload such as deployment/web'] as const;

const format = (...formats: string[]): Option =>
  new Option('-o, --output <format>', `one of ${formats.join(', ')}`).choices(formats);

/** A verb with the sentence that help shows for it. */
function verb(program: Command, group: string, words: string, summary: string): Command {
  return program
    .command(words)
    .helpGroup(group)
    .summary(summary)
    .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`);
}

function addLooks(program: Command, running: Running, around: Surroundings): void {
  verb(program, LOOK, 'get', 'list the Upgrades, those that need attention first')
    .argument('[name...]', 'Upgrades, or workloads such as deployment/web')
    .option('-A, --all-namespaces', 'in all namespaces')
    .option('-w, --watch', 'keep watching: redraws on a terminal, prints a line for each change in a pipe')
    .addOption(format('wide', 'json', 'yaml', 'name'))
    .option('--phase <phases>', 'only these phases, separated by commas')
    .option('--needs-attention', 'only those that need a person to act')
    .option('-l, --selector <labels>', 'only those with these labels')
    .action(
      running<GetOptions>(async (cluster, io, options, names) =>
        (await import('./verbs/get.ts')).get(io, cluster, names, options),
      ),
    );
  verb(program, LOOK, 'status', 'wait until an attempt has ended; the exit code is the outcome')
    .argument(...NAME)
    .addHelpText(
      'after',
      '\nExit codes: 0 Succeeded, 2 FellBack, 3 FallbackFailed, 4 Failed, Aborted or Partial,\n5 not ended in time, 1 usage or connection.',
    )
    .option('--watch [bool]', 'wait; with --watch=false print the current status', boolean, true)
    .option('--timeout <time>', 'how long to wait, such as 10m; 0 waits forever', '0')
    .addOption(format('json', 'yaml'))
    .action(
      running<StatusOptions>(async (cluster, io, options, [name = '']) =>
        (await import('./verbs/status.ts')).status(io, cluster, name, options),
      ),
    );
  verb(program, LOOK, 'why', 'explain the state of an Upgrade, and what happens next')
    .argument(...NAME)
    .option('--attempt <number>', 'number of an attempt in the history')
    .addOption(format('json', 'yaml'))
    .action(
      running<WhyOptions>(async (cluster, io, options, [name = '']) =>
        (await import('./verbs/why.ts')).why(io, cluster, name, options),
      ),
    );
  verb(program, LOOK, 'tree', 'show workload, revisions, pods, gates, checks and deadlines')
    .argument(...NAME)
    .option('-w, --watch', 'redraw until the attempt has ended')
    .action(
      running<TreeOptions>(async (cluster, io, options, [name = '']) =>
        (await import('./verbs/tree.ts')).tree(io, cluster, name, options),
      ),
    );
  addRecords(program, running);
  addDashboard(program, running, around);
}

function addRecords(program: Command, running: Running): void {
  verb(program, LOOK, 'history', 'list the attempts')
    .argument(...NAME)
    .addOption(format('wide', 'json', 'yaml'))
    .action(
      running<HistoryOptions>(async (cluster, io, options, [name = '']) =>
        (await import('./verbs/history.ts')).history(io, cluster, name, options),
      ),
    );
  verb(program, LOOK, 'diff', 'compare the images of two attempts')
    .argument(...NAME)
    .argument(
      '[attempts]',
      'such as 3..4, or 3 to compare with the newest (default: the previous images with the wanted ones)',
    )
    .addOption(format('json', 'yaml'))
    .action(
      running<HistoryOptions>(async (cluster, io, options, words) =>
        (await import('./verbs/history.ts')).diff(io, cluster, words, options),
      ),
    );
  verb(program, LOOK, 'events', 'show the events of Upgrade, workload, revisions and pods in one timeline')
    .argument(...NAME)
    .option('-w, --watch', 'keep watching')
    .option('--types <types>', 'Normal, Warning, or both (default)')
    .addOption(format('json', 'yaml'))
    .action(
      running<EventsOptions>(async (cluster, io, options, [name = '']) =>
        (await import('./verbs/events.ts')).events(io, cluster, name, options),
      ),
    );
}

function addDashboard(program: Command, running: Running, { version }: Surroundings): void {
  verb(program, LOOK, 'dashboard', 'show all Upgrades on a page in your browser, served on this machine only')
    .option('--port <number>', 'port on 127.0.0.1 (default: a free one)')
    .option('--allow-actions', 'let the page retry, abort, pause, resume, approve and promote')
    .addHelpText(
      'after',
      '\nShows all namespaces in which you can list Upgrades, or the one of -n. The URL contains a token that is valid until Ctrl-C.',
    )
    .action(
      running<DashboardOptions>(async (cluster, io, options) =>
        (await import('./verbs/dashboard.ts')).dashboard(io, cluster, version, options),
      ),
    );
}

const withActFlags = (command: Command): Command =>
  command
    .option('--wait', 'wait until the attempt has ended; exit codes as for status')
    .option('--timeout <time>', 'how long to wait; 0 waits forever', '0')
    .option('--dry-run', 'send the request to the API server without storing it');

function addActs(program: Command, running: Running): void {
  const commands = [
    ['retry', 'start a new attempt with the same images'],
    ['abort', 'end the attempt and restore the previous images'],
    ['promote', 'skip the waits of the remaining stages, never a check'],
  ] as const;
  for (const [word, summary] of commands) {
    withActFlags(verb(program, ACT, word, summary).argument(...NAME)).action(
      running<ActOptions>(async (cluster, io, options, names) =>
        (await import('./verbs/act.ts')).command(io, cluster, word, names, options),
      ),
    );
  }
  withActFlags(
    verb(program, ACT, 'approve', 'approve a stage that waits for approval')
      .argument(...NAME)
      .argument('[stage]', 'the stage, also in advance (default: the one that waits for approval now)'),
  ).action(
    running<ActOptions>(async (cluster, io, options, names) =>
      (await import('./verbs/act.ts')).command(io, cluster, 'approve', names, options),
    ),
  );
  const pauses = [
    ['pause', 'pause: no image is written, no gate is opened, no deadline runs'],
    ['resume', 'resume after a pause'],
  ] as const;
  for (const [word, summary] of pauses) {
    withActFlags(verb(program, ACT, word, summary).argument(...NAME)).action(
      running<ActOptions>(async (cluster, io, options, [name = '']) =>
        (await import('./verbs/act.ts')).setPaused(io, cluster, word === 'pause', name, options),
      ),
    );
  }
  const set = program
    .command('set')
    .helpGroup(ACT)
    .summary('set image: set the images to run')
    .description('Change an Upgrade.');
  withActFlags(
    set
      .command('image')
      .summary('set the images to run')
      .description('Set the images to run; a change starts a new attempt.')
      .argument(...NAME)
      .argument('<container=image...>', 'such as web=registry.example/web:2.1'),
  ).action(
    running<ActOptions>(async (cluster, io, options, words) =>
      (await import('./verbs/set-image.ts')).setImage(io, cluster, words, options),
    ),
  );
}

function addPreparations(program: Command, running: Running, around: Surroundings, done: Done): void {
  verb(program, PREPARE, 'init', 'print an Upgrade for an existing workload')
    .argument('<workload>', 'such as deployment/web')
    .addOption(format('yaml', 'json'))
    .option('--no-exec', 'do not run the readiness script in a running pod')
    .action(
      running<InitOptions>(async (cluster, io, options, [word = '']) =>
        (await import('./verbs/init.ts')).init(io, cluster, word, options),
      ),
    );
  verb(program, PREPARE, 'lint', 'validate manifests, without a cluster')
    .requiredOption(
      '-f, --filename <file>',
      'manifest, folder, or - for standard input; may be repeated',
      repeated,
    )
    .option(
      '--live',
      'also validate against the cluster: target, containers, gate, permissions; nothing is stored',
    )
    .addOption(format('json', 'sarif'))
    .action(async (options: LintOptions, command: Command) => {
      const { lint } = await import('./verbs/lint.ts');
      done(
        options.live
          ? await withCluster(around, command, (cluster) => lint(around.io, options, cluster))
          : await lint(around.io, options),
      );
    });
  verb(program, PREPARE, 'codes', 'show what exit codes mean, or convert a code registry to rules')
    .argument(
      '[name]',
      'an Upgrade, to show its codes and how many pods returned them (default: the default table)',
    )
    .option('--registry <file>', "print a readiness hook's codes as exitCodes, ready to paste")
    .addOption(format('json', 'yaml'))
    .action(async (name: string | undefined, options: CodesOptions, command: Command) => {
      const { codes, registryRules } = await import('./verbs/codes.ts');
      if (options.registry !== undefined) {
        done(await registryRules(around.io, options.registry));
        return;
      }
      const { findUpgrade } = await import('./upgrades.ts');
      const upgrade =
        name === undefined
          ? undefined
          : await withCluster(around, command, async (cluster) => (await findUpgrade(cluster, name)).upgrade);
      done(codes(around.io, upgrade, options));
    });
  verb(program, PREPARE, 'probe', 'run the checks now, with your own permissions; nothing is stored')
    .argument('<name>', 'an Upgrade, a workload such as deployment/web, or pod/NAME')
    .option('--kubelet', "run the pod's own startup, liveness and readiness probes instead")
    .addHelpText('after', '\nExit codes: 0 all pass, 6 some do not, 1 usage or connection.')
    .addOption(format('json', 'yaml'))
    .action(
      running<ProbeOptions>(async (cluster, io, options, [word = '']) =>
        (await import('./verbs/probe.ts')).probe(io, cluster, word, options),
      ),
    );
}

function addInstallation(program: Command, running: Running, around: Surroundings, done: Done): void {
  verb(program, INSTALLATION, 'check', 'check whether the installation is healthy')
    .option('--pre', 'before an installation: check what the cluster serves, and what you can create')
    .addOption(format('json', 'yaml'))
    .addHelpText('after', '\nExit codes: 0 healthy, 1 something is wrong, or no connection.')
    .action(
      running<CheckOptions>(async (cluster, io, options) =>
        (await import('./verbs/check.ts')).check(io, cluster, options, around.version),
      ),
    );
  const gates = verb(program, INSTALLATION, 'gates', 'list closed gates, and the attempts that need them')
    .option('-A, --all-namespaces', 'in all namespaces')
    .addOption(format('json', 'yaml'))
    .action(
      running<GatesOptions>(async (cluster, io, options) =>
        (await import('./verbs/gates.ts')).gates(io, cluster, options),
      ),
    );
  gates
    .command('open')
    .summary('open gates manually, if the operator is gone')
    .description('Open gates manually, if the operator is gone. Nothing is verified.')
    .argument('<pod...>', 'pods behind a closed gate')
    .option('-y, --yes', 'do not prompt')
    .action(
      running<OpenOptions>(async (cluster, io, options, pods) =>
        (await import('./verbs/gates.ts')).openGates(io, cluster, pods, options),
      ),
    );
  verb(program, INSTALLATION, 'logs', "show the operator's log in readable form")
    .argument('[name]', 'an Upgrade (default: all)')
    .option('-f, --follow', 'keep following the log')
    .option('--since <time>', 'only newer lines, such as 10m')
    .option('--operator-namespace <name>', 'namespace of the operator (default: where its pods are found)')
    .option('--raw', 'print the log unchanged')
    .action(
      running<LogsOptions>(async (cluster, io, options, [name]) =>
        (await import('./verbs/logs.ts')).logs(io, cluster, name, options),
      ),
    );
  verb(program, INSTALLATION, 'bundle', 'write the evidence of an Upgrade to an archive, without secrets')
    .argument(...NAME)
    .option('--file <file>', 'archive to write (default: postcheck-NAMESPACE-NAME-TIME.tar.gz)')
    .action(
      running<BundleOptions>(async (cluster, io, options, [name = '']) =>
        (await import('./verbs/bundle.ts')).bundle(io, cluster, name, options),
      ),
    );
  addOneself(program, around, done);
}

/** What is about the tool itself. */
function addOneself(program: Command, around: Surroundings, done: Done): void {
  verb(
    program,
    INSTALLATION,
    'version',
    'print the versions of this tool, of the operator and of the API server',
  )
    .option('--client', 'only the version of this tool')
    .addOption(format('json', 'yaml'))
    .action(async (options: VersionOptions, command: Command) => {
      const { version } = await import('./verbs/version.ts');
      done(await version(around.io, around.version, () => open(around, command), options));
    });
  verb(program, INSTALLATION, 'completion', 'print the completion script for kubectl or a shell')
    .addArgument(
      new Argument('<for>', 'kubectl, bash, zsh or fish').choices(['kubectl', 'bash', 'zsh', 'fish']),
    )
    .action(async (shell: string) => {
      done((await import('./completion.ts')).completionScript(around.io, shell));
    });
}

const repeated = (value: string, all: readonly string[] = []): string[] => [...all, value];

type Done = (exitCode: number) => void;

/** The cluster that the flags name. Read only when a verb needs one: `--help` and `lint` do not. */
export async function openCluster(flags: ConnectionFlags, { environment }: Surroundings): Promise<Cluster> {
  const { Cluster } = await import('./cluster.ts');
  return await Cluster.open(flags, environment);
}

const open = (around: Surroundings, command: Command): Promise<Cluster> =>
  openCluster(command.optsWithGlobals<ConnectionFlags>(), around);

async function withCluster<T>(
  around: Surroundings,
  command: Command,
  run: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const cluster = await open(around, command);
  try {
    return await run(cluster);
  } finally {
    cluster.close();
  }
}

/** `--flag`, `--flag=true` and `--flag=false`, as kubectl takes them. */
const boolean = (value: string): boolean => !/^(false|0|no)$/i.test(value);
