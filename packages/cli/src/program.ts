/** Declares the whole command line; `--help`, docs/cli.md and the completion are generated from it. */
import { Command, Help, type Option } from 'commander';
import { CONNECTION, type Context, type Done, type Running, repeated, withCluster } from './command.ts';
import { addControlVerbs } from './commands/control.ts';
import { addInspectVerbs } from './commands/inspect.ts';
import { addInstallationVerbs } from './commands/installation.ts';
import { addPrepareVerbs } from './commands/prepare.ts';
import { unknownWordText } from './words.ts';

/** kubectl's connection flags, valid before and after the command. */
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

const HELP = new Help();

/** Leaves out the choices of a flag whose description has them already. */
function optionDescription(option: Option): string {
  const { argChoices, description } = option;
  const isSaid = argChoices?.every((choice) => description.includes(choice)) ?? false;
  return HELP.optionDescription(
    isSaid ? Object.create(option, { argChoices: { value: undefined } }) : option,
  );
}

const verbsWith = (program: Command, option: string): string[] =>
  program.commands
    .filter(({ options }) => options.some(({ short, long }) => option === short || option === long))
    .map((command) => command.name());

/** Creates the program. `done` receives the exit code. */
export function createProgram(context: Context, done: Done): Command {
  // Before the connection flags: it is none of them.
  const program = withConnectionFlags(
    new Command('kubectl postcheck').helpOption('-h, --help', 'help for a command'),
  );
  program
    .description('Inspect and control the Upgrades of a cluster.')
    .helpCommand('help [command]', 'help for a command')
    .addHelpText('afterAll', ({ command }) =>
      command === program ? '' : '\nConnection flags such as -n and --context: kubectl postcheck --help',
    )
    .configureHelp({ showGlobalOptions: false, optionDescription })
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => context.io.write(text),
      writeErr: (text) =>
        context.io.note(unknownWordText(text.trimEnd(), (option) => verbsWith(program, option))),
    })
    .exitOverride();
  const running: Running =
    (run) =>
    async (...given: unknown[]): Promise<void> => {
      const command = given.at(-1) as Command;
      const options = command.optsWithGlobals<Parameters<typeof run>[2]>();
      done(
        await withCluster(context, command, (cluster) => {
          // Deadlines and ages use the time of the cluster: the clock of this machine may be wrong.
          const io = { ...context.io, now: () => cluster.now() };
          return run(cluster, io, options, command.args);
        }),
      );
    };
  addInspectVerbs(program, running, context);
  addControlVerbs(program, running);
  addPrepareVerbs(program, running, context, done);
  addInstallationVerbs(program, running, context, done);
  return program;
}
