/** `kubectl postcheck`: the only file that knows the process. */
// As a whole: what an old Node does not have cannot be imported by its name, and that fails before anything can be said.
import module from 'node:module';
import process from 'node:process';
import { bugText, EXIT } from './fault.ts';

/** As `engines` of package.json. */
const OLDEST_NODE = '22.19.0';
if (process.versions.node.localeCompare(OLDEST_NODE, 'en', { numeric: true }) < 0) {
  process.stderr.write(
    `error: kubectl postcheck needs Node.js ${OLDEST_NODE} or newer, but this is ${process.versions.node}: install a newer version, or the executable of a release, which needs no Node.js\n`,
  );
  process.exit(EXIT.fault);
}

// Compiled code is kept between runs: most of a short command's time would be spent on it.
module.enableCompileCache?.();

/** Set at bundling; the version of package.json. */
declare const POSTCHECK_VERSION: string | undefined;
const version = typeof POSTCHECK_VERSION === 'string' ? POSTCHECK_VERSION : 'source';

// An error outside of a command also ends in one sentence and not in a stack trace: the last line, on the screen that stays.
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
