/** Declares the verbs that inspect: get, status, why, tree, history, diff, events and dashboard. */
import { type Command, Option } from 'commander';
import { type Context, format, INSPECT, NAME, type Running, verb } from '../command.ts';
import { attemptNumber, boolean, eventTypes, phases, port, time } from '../flags.ts';
import type { DashboardOptions } from '../verbs/dashboard.ts';
import type { EventsOptions } from '../verbs/events.ts';
import type { GetOptions } from '../verbs/get.ts';
import type { HistoryOptions } from '../verbs/history.ts';
import type { StatusOptions } from '../verbs/status.ts';
import type { TreeOptions } from '../verbs/tree.ts';
import type { WhyOptions } from '../verbs/why.ts';

export function addInspectVerbs(program: Command, running: Running, context: Context): void {
  verb(program, INSPECT, 'get', 'list the Upgrades, those that need attention first')
    .argument('[name...]', 'Upgrades, or workloads such as deployment/web')
    .option('-A, --all-namespaces', 'in all namespaces')
    .option('-w, --watch', 'keep watching: redraws on a terminal, prints a line for each change in a pipe')
    .addOption(format('wide', 'json', 'yaml', 'name'))
    .addOption(phases())
    .option('--needs-attention', 'only those that need a person to act')
    .option('-l, --selector <labels>', 'only those with these labels')
    .action(
      running<GetOptions>(async (cluster, io, options, names) =>
        (await import('../verbs/get.ts')).get(io, cluster, names, options),
      ),
    );
  verb(program, INSPECT, 'status', 'wait until an attempt has ended; the exit code is the outcome')
    .argument(...NAME)
    .addHelpText(
      'after',
      '\nExit codes: 0 Succeeded, 2 FellBack, 3 FallbackFailed, 4 Failed, Aborted or Partial,\nor Succeeded, but stalled or drifted since, 5 not ended in time, 1 usage or connection.',
    )
    .addOption(boolean('--watch [bool]', 'wait; with --watch=false print the current status').default(true))
    .option('--timeout <time>', 'how long to wait, such as 10m; 0 waits forever', time('--timeout'), 0)
    .addOption(
      new Option('-o, --output <format>', 'one of json, yaml: of each change while it waits').choices([
        'json',
        'yaml',
      ]),
    )
    .action(
      running<StatusOptions>(async (cluster, io, options, [name = '']) =>
        (await import('../verbs/status.ts')).status(io, cluster, name, options),
      ),
    );
  verb(program, INSPECT, 'why', 'explain the state of an Upgrade, and what happens next')
    .argument(...NAME)
    .option('--attempt <number>', 'number of an attempt in the history', attemptNumber)
    .addOption(format('json', 'yaml'))
    .action(
      running<WhyOptions>(async (cluster, io, options, [name = '']) =>
        (await import('../verbs/why.ts')).why(io, cluster, name, options),
      ),
    );
  verb(program, INSPECT, 'tree', 'show workload, revisions, pods, gates, checks and deadlines')
    .argument(...NAME)
    .option('-w, --watch', 'redraw until the attempt has ended')
    .action(
      running<TreeOptions>(async (cluster, io, options, [name = '']) =>
        (await import('../verbs/tree.ts')).tree(io, cluster, name, options),
      ),
    );
  addRecords(program, running);
  addDashboard(program, running, context);
}

function addRecords(program: Command, running: Running): void {
  verb(program, INSPECT, 'history', 'list the attempts')
    .argument(...NAME)
    .addOption(format('wide', 'json', 'yaml'))
    .action(
      running<HistoryOptions>(async (cluster, io, options, [name = '']) =>
        (await import('../verbs/history.ts')).history(io, cluster, name, options),
      ),
    );
  verb(program, INSPECT, 'diff', 'compare the images of two attempts')
    .argument(...NAME)
    .argument(
      '[attempts]',
      'such as 3..4, or 3 to compare with the newest (default: the previous images with the wanted ones)',
    )
    .addOption(format('json', 'yaml'))
    .action(
      running<HistoryOptions>(async (cluster, io, options, words) =>
        (await import('../verbs/history.ts')).diff(io, cluster, words, options),
      ),
    );
  verb(program, INSPECT, 'events', 'show the events of Upgrade, workload, revisions and pods in one timeline')
    .argument(...NAME)
    .option('-w, --watch', 'keep watching')
    .addOption(eventTypes())
    .addOption(format('json', 'yaml'))
    .action(
      running<EventsOptions>(async (cluster, io, options, [name = '']) =>
        (await import('../verbs/events.ts')).events(io, cluster, name, options),
      ),
    );
}

function addDashboard(program: Command, running: Running, { version }: Context): void {
  verb(
    program,
    INSPECT,
    'dashboard',
    'show all Upgrades on a page in your browser, served on this machine only',
  )
    .option('--port <number>', 'port on 127.0.0.1 (default: a free one)', port)
    .option('--allow-actions', 'let the page retry, abort, pause, resume, approve and promote')
    .addHelpText(
      'after',
      '\nShows all namespaces in which you can list Upgrades, or the one of -n. The URL contains a token that is valid until Ctrl-C.',
    )
    .action(
      running<DashboardOptions>(async (cluster, io, options) =>
        (await import('../verbs/dashboard.ts')).dashboard(io, cluster, version, options),
      ),
    );
}
