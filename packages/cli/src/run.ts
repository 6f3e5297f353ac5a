/** Runs a command line, and returns its exit code. */
import { type Command, CommanderError } from 'commander';
import { own } from '../../../src/api/own.ts';
import { type Context, openCluster } from './command.ts';
import { bugText, EXIT, Fault } from './fault.ts';
import { createProgram } from './program.ts';
import { UPGRADE_WORDS, unknownWordText, WORKLOAD_WORDS } from './words.ts';

/** Runs one command line, the words after the program's name. Never rejects. */
export async function run(words: readonly string[], context: Context): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = createProgram(context, (code) => {
    exitCode = code;
  });
  try {
    if (words[0] === '__complete') {
      return await completed(program, words.slice(1), context);
    }
    const flags = plainFlags(program, words);
    const unknown = unknownTopic(program, flags);
    if (unknown !== undefined) {
      context.io.note(unknownWordText(`error: unknown command '${unknown}'`, () => []));
      return EXIT.fault;
    }
    await program.parseAsync(flags, { from: 'user' });
    return exitCode;
  } catch (error) {
    return reportError(error, context, { program, words });
  }
}

/** Switches such as `-A` and `--watch` also accept `=true` and `=false`, as in kubectl, and `--dry-run` also `=server` and `=none`. */
function plainFlags(program: Command, words: readonly string[]): string[] {
  const [verb] = words.flatMap((word) => program.commands.find((command) => command.name() === word) ?? []);
  const commands = [program, ...(verb ? [verb, ...verb.commands] : [])];
  const switches = commands
    .flatMap(({ options }) => options)
    .filter(({ required, optional }) => !required && !optional)
    .map(({ long }) => long);
  return words.flatMap((word) => {
    const [, flag = '', value = ''] = /^(--[\w-]+)=(.*)$/s.exec(word) ?? [];
    if (!switches.includes(flag) || (flag === '--dry-run' && value === 'client')) {
      return [word];
    }
    const values = flag === '--dry-run' ? ['true', 'server', 'false', 'none'] : ['true', 'false'];
    if (!values.includes(value)) {
      throw new Fault(`${flag} must be true or false, not ${JSON.stringify(value)}`);
    }
    return ['true', 'server'].includes(value) ? [flag] : [];
  });
}

/** The command that help is wanted for, if there is none of that name: Commander would print the help of all. */
function unknownTopic(program: Command, words: readonly string[]): string | undefined {
  const wantsHelp = words[0] === 'help' || words.includes('--help') || words.includes('-h');
  const [first, second] = program.parseOptions([...words]).operands;
  const topic = first === 'help' ? second : first;
  return wantsHelp &&
    topic !== undefined &&
    topic !== 'help' &&
    !program.commands.some((one) => one.name() === topic)
    ? topic
    : undefined;
}

/** After Tab, a person waits at the prompt. */
const COMPLETION_TIMEOUT = '2s';

/** Prints the candidates for kubectl or a shell. The words are not parsed as a command, because they are not complete. */
async function completed(program: Command, words: readonly string[], context: Context): Promise<number> {
  const { complete, placeOf } = await import('./completion.ts');
  // The flag whose value is being completed has none yet.
  const { flag, prefix } = placeOf(program, words);
  program.parseOptions(words.slice(0, flag !== undefined && prefix === words.at(-1) ? -2 : -1));
  const { configuredNames } = await import('./cluster.ts');
  const lines = await complete(program, words, {
    open: () => openCluster({ requestTimeout: COMPLETION_TIMEOUT, ...program.opts() }, context),
    configured: (name) => configuredNames(name, program.opts(), context.environment),
  });
  context.io.write(`${lines.join('\n')}\n`);
  return EXIT.ok;
}

/** What was probably meant by a word too many. */
function excessHint(words: readonly string[]): string | undefined {
  if (words.includes('lint')) {
    return 'Repeat -f for each file, or name their folder.';
  }
  const hasKind = words.some((word) => UPGRADE_WORDS.includes(word) || own(WORKLOAD_WORDS, word));
  return hasKind ? 'Write the workload as one word, as in deployment/web.' : undefined;
}

/** Such as `kubectl postcheck why <name>`. */
function usageOf(program: Command, words: readonly string[]): string {
  let command = program;
  for (const word of words) {
    command = command.commands.find((inner) => inner.name() === word) ?? command;
  }
  return `${program.name()} ${command === program ? '' : pathOf(command)}${command.usage()}`;
}

function pathOf(command: Command): string {
  const above = command.parent?.parent ? pathOf(command.parent) : '';
  return `${above}${command.name()} `;
}

interface Line {
  readonly program: Command;
  readonly words: readonly string[];
}

/** What to write instead. */
function hintOf(code: string, program: Command, words: readonly string[]): string | undefined {
  switch (code) {
    case 'commander.missingArgument':
      return `Usage: ${usageOf(program, words)}`;
    case 'commander.missingMandatoryOptionValue':
      return 'Write `lint -f FILE`, or `lint -f -` for standard input.';
    case 'commander.unknownCommand':
      return words.includes('set')
        ? 'Write what is set, as in `set image web web=registry.example/web:2.1`.'
        : undefined;
    case 'commander.excessArguments':
      return excessHint(words);
    default:
      return undefined;
  }
}

/** Prints what went wrong in one sentence, and returns the exit code. */
function reportError(error: unknown, { io }: Context, { program, words }: Line): number {
  if (error instanceof CommanderError) {
    const hint = hintOf(error.code, program, words);
    if (hint !== undefined) {
      io.note(hint);
    }
    return error.exitCode === 0 ? EXIT.ok : EXIT.fault;
  }
  if (error instanceof Fault) {
    io.note(`error: ${error.message}`);
    return error.exitCode;
  }
  io.note(bugText(error));
  return EXIT.fault;
}
