/** Declares the verbs that control an attempt: retry, abort, promote, approve, pause, resume and set image. */
import type { Command } from 'commander';
import { CONTROL, NAME, type Running, verb } from '../command.ts';
import { time } from '../flags.ts';
import type { ActOptions } from '../verbs/act.ts';

const withControlFlags = (command: Command): Command =>
  command
    .option('--wait', 'wait until the attempt has ended; exit codes as for status')
    .option('--timeout <time>', 'how long to wait; 0 waits forever', time('--timeout'), 0)
    .option('--dry-run', 'send the request to the API server without storing it');

export function addControlVerbs(program: Command, running: Running): void {
  const commands = [
    ['retry', 'start a new attempt with the same images'],
    ['abort', 'end the attempt and restore the previous images'],
    ['promote', 'skip the waits of the remaining stages, never a check'],
  ] as const;
  for (const [word, summary] of commands) {
    withControlFlags(verb(program, CONTROL, word, summary).argument(...NAME)).action(
      running<ActOptions>(async (cluster, io, options, names) =>
        (await import('../verbs/act.ts')).command(io, cluster, word, names, options),
      ),
    );
  }
  withControlFlags(
    verb(program, CONTROL, 'approve', 'approve a stage that waits for approval')
      .argument(...NAME)
      .argument('[stage]', 'the stage, also in advance (default: the one that waits for approval now)'),
  ).action(
    running<ActOptions>(async (cluster, io, options, names) =>
      (await import('../verbs/act.ts')).command(io, cluster, 'approve', names, options),
    ),
  );
  const pauses = [
    ['pause', 'pause: no image is written, no gate is opened, no deadline runs'],
    ['resume', 'resume after a pause'],
  ] as const;
  for (const [word, summary] of pauses) {
    withControlFlags(verb(program, CONTROL, word, summary).argument(...NAME)).action(
      running<ActOptions>(async (cluster, io, options, [name = '']) =>
        (await import('../verbs/act.ts')).setPaused(io, cluster, word === 'pause', name, options),
      ),
    );
  }
  const set = program
    .command('set')
    .helpGroup(CONTROL)
    .summary('set image: set the images to run')
    .description('Change an Upgrade.');
  withControlFlags(
    set
      .command('image')
      .summary('set the images to run')
      .description('Set the images to run; a change starts a new attempt.')
      .argument(...NAME)
      .argument('<container=image...>', 'such as web=registry.example/web:2.1'),
  ).action(
    running<ActOptions>(async (cluster, io, options, words) =>
      (await import('../verbs/set-image.ts')).setImage(io, cluster, words, options),
    ),
  );
}
