#!/usr/bin/env node
/** The executable `postcheck-health`. */
import { helpText, runHealthCommand } from './command.ts';

// Without a top-level await, so that it can be bundled as CommonJS: one file without an extension, in /usr/bin.
void runHealthCommand(process.argv.slice(2), process.env).then((reply) => {
  if (reply === 'help') {
    process.stdout.write(helpText);
  } else {
    process.stderr.write(`${reply.code === 0 ? reply.message : `code ${reply.code}: ${reply.message}`}\n`);
    process.exitCode = reply.code;
  }
});
