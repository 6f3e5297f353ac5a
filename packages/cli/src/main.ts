/** `kubectl postcheck`: the only file that knows the process. */
import { enableCompileCache } from 'node:module';
import process from 'node:process';
import { bugText, EXIT } from './fault.ts';

// Compiled code is kept between runs: most of a short command's time would be spent on it.
enableCompileCache?.();

/** Set at bundling; the version of package.json. */
declare const POSTCHECK_VERSION: string | undefined;
const version = typeof POSTCHECK_VERSION === 'string' ? POSTCHECK_VERSION : 'source';

// What fails beside a verb, with nobody waiting for it, ends in one sentence too, and not in a stack: the last one, on the screen that stays.
process.once('uncaughtException', (error) => {
  process.once('exit', () => process.stderr.write(`${bugText(error)}\n`));
  process.exit(EXIT.fault);
});

async function main(): Promise<void> {
  const { processIo } = await import('./io.ts');
  const { run } = await import('./run.ts');
  const io = processIo(process);
  process.exitCode = await run(process.argv.slice(2), { io, environment: process.env, version });
  // What a broken connection left behind must not hold up the prompt.
  setTimeout(() => process.exit(), 200).unref();
}

// Not at the top level: the single executable takes CommonJS, where nothing can be awaited there.
void main();
