/** From the words on the command line to an exit code. */
import { CommanderError } from 'commander';
import { EXIT, Fault } from './fault.ts';
import { createProgram, type Surroundings } from './program.ts';

/** Runs one command line, the words after the program's name. Never rejects. */
export async function run(words: readonly string[], around: Surroundings): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = createProgram(around, (code) => {
    exitCode = code;
  });
  program.configureOutput({
    writeOut: (text) => around.io.write(text),
    writeErr: (text) => around.io.note(text.trimEnd()),
    outputError: (text, write) => write(text),
  });
  try {
    await program.parseAsync([...words], { from: 'user' });
    return exitCode;
  } catch (error) {
    return told(error, around);
  }
}

/** Says what went wrong, in one sentence; a bug of this tool too. */
function told(error: unknown, { io }: Surroundings): number {
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? EXIT.ok : EXIT.fault;
  }
  if (error instanceof Fault) {
    io.note(`error: ${error.message}`);
    return error.exitCode;
  }
  const message = error instanceof Error ? error.message : String(error);
  io.note(`error: ${message} (this is a bug of kubectl postcheck; please report it)`);
  return EXIT.fault;
}
