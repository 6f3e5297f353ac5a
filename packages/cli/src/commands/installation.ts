/** Declares the verbs for the installation and for the tool itself: check, gates, logs, bundle, version and completion. */
import { Argument, type Command } from 'commander';
import { type Context, type Done, format, INSTALLATION, NAME, open, type Running, verb } from '../command.ts';
import { time } from '../flags.ts';
import type { BundleOptions } from '../verbs/bundle.ts';
import type { CheckOptions } from '../verbs/check.ts';
import type { GatesOptions, OpenOptions } from '../verbs/gates.ts';
import type { LogsOptions } from '../verbs/logs.ts';
import type { VersionOptions } from '../verbs/version.ts';

export function addInstallationVerbs(program: Command, running: Running, context: Context, done: Done): void {
  verb(program, INSTALLATION, 'check', 'check whether the installation is healthy')
    .option('--pre', 'before an installation: check what the cluster serves, and what you can create')
    .addOption(format('json', 'yaml'))
    .addHelpText(
      'after',
      '\nExit codes: 0 nothing wrong in what you can read (? is unknown), 1 something is wrong, nothing of the installation can be read, or no connection.',
    )
    .action(
      running<CheckOptions>(async (cluster, io, options) =>
        (await import('../verbs/check.ts')).check(io, cluster, options, context.version),
      ),
    );
  const gates = verb(program, INSTALLATION, 'gates', 'list closed gates, and the attempts that need them')
    .option('-A, --all-namespaces', 'in all namespaces')
    .addOption(format('json', 'yaml'))
    .action(
      running<GatesOptions>(async (cluster, io, options) =>
        (await import('../verbs/gates.ts')).gates(io, cluster, options),
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
        (await import('../verbs/gates.ts')).openGates(io, cluster, pods, options),
      ),
    );
  verb(program, INSTALLATION, 'logs', "show the operator's log in readable form")
    .argument('[name]', 'an Upgrade (default: all)')
    .option('-f, --follow', 'keep following the log')
    .option('--since <time>', 'only newer lines, such as 10m', time('--since'))
    .option('--operator-namespace <name>', 'namespace of the operator (default: where its pods are found)')
    .option('--raw', 'print the log unchanged')
    .action(
      running<LogsOptions>(async (cluster, io, options, [name]) =>
        (await import('../verbs/logs.ts')).logs(io, cluster, name, options),
      ),
    );
  verb(program, INSTALLATION, 'bundle', 'write the evidence of an Upgrade to an archive, without secrets')
    .argument(...NAME)
    .option('--file <file>', 'archive to write (default: postcheck-NAMESPACE-NAME-TIME.tar.gz)')
    .action(
      running<BundleOptions>(async (cluster, io, options, [name = '']) =>
        (await import('../verbs/bundle.ts')).bundle(io, cluster, name, options),
      ),
    );
  addToolVerbs(program, context, done);
}

/** What is about the tool itself. */
function addToolVerbs(program: Command, context: Context, done: Done): void {
  verb(
    program,
    INSTALLATION,
    'version',
    'print the versions of this tool, of the operator and of the API server',
  )
    .option('--client', 'only the version of this tool')
    .addOption(format('json', 'yaml'))
    .action(async (options: VersionOptions, command: Command) => {
      const { version } = await import('../verbs/version.ts');
      done(await version(context.io, context.version, () => open(context, command), options));
    });
  verb(program, INSTALLATION, 'completion', 'print the completion script for kubectl or a shell')
    .addArgument(
      new Argument('<for>', 'kubectl, bash, zsh or fish').choices(['kubectl', 'bash', 'zsh', 'fish']),
    )
    .action(async (shell: string) => {
      done((await import('../completion.ts')).completionScript(context.io, shell));
    });
}
