/** Declares the verbs that prepare an Upgrade: init, lint, codes and probe. */
import type { Command } from 'commander';
import {
  type Context,
  type Done,
  format,
  PREPARE,
  type Running,
  repeated,
  verb,
  withCluster,
} from '../command.ts';
import type { CodesOptions } from '../verbs/codes.ts';
import type { InitOptions } from '../verbs/init.ts';
import type { LintOptions } from '../verbs/lint.ts';
import type { ProbeOptions } from '../verbs/probe.ts';

export function addPrepareVerbs(program: Command, running: Running, context: Context, done: Done): void {
  verb(program, PREPARE, 'init', 'print an Upgrade for an existing workload')
    .argument('<workload>', 'such as deployment/web')
    .addOption(format('yaml', 'json'))
    .option('--no-exec', 'do not run the readiness script in a running pod')
    .action(
      running<InitOptions>(async (cluster, io, options, [word = '']) =>
        (await import('../verbs/init.ts')).init(io, cluster, word, options),
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
    .addHelpText('after', '\nExit codes: 0 no errors, also with warnings, 1 errors, or usage.')
    .addOption(format('json', 'sarif'))
    .action(async (options: LintOptions, command: Command) => {
      const { lint } = await import('../verbs/lint.ts');
      done(
        options.live
          ? await withCluster(context, command, (cluster) => lint(context.io, options, cluster))
          : await lint(context.io, options),
      );
    });
  addCodes(program, context, done);
  verb(program, PREPARE, 'probe', 'run the checks now, with your own permissions; nothing is stored')
    .argument('<name>', 'an Upgrade, a workload such as deployment/web, or pod/NAME')
    .option('--kubelet', "run the pod's own startup, liveness and readiness probes instead")
    .addHelpText(
      'after',
      '\nExit codes: 0 all pass, 6 a check fails, 1 none fails, but not all return a result (no permission, no running container),\nusage or connection.',
    )
    .addOption(format('json', 'yaml'))
    .action(
      running<ProbeOptions>(async (cluster, io, options, [word = '']) =>
        (await import('../verbs/probe.ts')).probe(io, cluster, word, options),
      ),
    );
}

function addCodes(program: Command, context: Context, done: Done): void {
  verb(program, PREPARE, 'codes', 'show what exit codes mean, or convert a code registry to rules')
    .argument(
      '[name]',
      'an Upgrade, to show its codes and how many pods returned them (default: the default table)',
    )
    .option('--registry <file>', "print a readiness hook's codes as exitCodes, ready to paste")
    .addOption(format('json', 'yaml'))
    .action(async (name: string | undefined, options: CodesOptions, command: Command) => {
      const { codes, registryRules } = await import('../verbs/codes.ts');
      if (options.registry !== undefined) {
        done(await registryRules(context.io, options.registry));
        return;
      }
      const { findUpgrade } = await import('../upgrades.ts');
      const upgrade =
        name === undefined
          ? undefined
          : await withCluster(
              context,
              command,
              async (cluster) => (await findUpgrade(cluster, name)).upgrade,
            );
      done(codes(context.io, upgrade, options));
    });
}
