/** `kubectl postcheck`: the only file that knows the process. */
// Imported as a whole: a named import that an old Node does not have would fail before the version is checked.
import module from 'node:module';
import process from 'node:process';
import { bugText, EXIT } from './fault.ts';

/** The same as `engines` in package.json. */
const OLDEST_NODE = '22.19.0';
if (process.versions.node.localeCompare(OLDEST_NODE, 'en', { numeric: true }) < 0) {
  process.stderr.write(
    `error: kubectl postcheck needs Node.js ${OLDEST_NODE} or newer, but this is ${process.versions.node}: install a newer version, or the executable of a release, which needs no Node.js\n`,
  );
  process.exit(EXIT.fault);
}

// Compiled code is cached between runs: a short command would spend most of its time on compiling.
module.enableCompileCache?.();

/** Defined by the bundler: the version in package.json. */
declare const POSTCHECK_VERSION: string | undefined;
const version = typeof POSTCHECK_VERSION === 'string' ? POSTCHECK_VERSION : 'source';

// An error outside of a command is also reported in one sentence without a stack trace, after the alternate screen was left.
process.once('uncaughtException', (error) => {
  process.once('exit', () => process.stderr.write(`${bugText(error)}\n`));
  process.exit(EXIT.fault);
});

async function main(): Promise<void> {
  const { processIo } = await import('./io.ts');
  const { run } = await import('./run.ts');
  const io = processIo(process);
  process.exitCode = await run(process.argv.slice(2), { io, environment: process.env, version });
  // Remains of a broken connection must not delay the prompt.
  setTimeout(() => process.exit(), 200).unref();
}

// Without a top-level await: the single executable is CommonJS.
void main();
