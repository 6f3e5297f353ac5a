#!/usr/bin/env node
import { helpText, runHealthCommand } from './command.ts';

const reply = await runHealthCommand(process.argv.slice(2), process.env);
if (reply === 'help') {
  process.stdout.write(helpText);
} else {
  process.stderr.write(`${reply.code === 0 ? reply.message : `code ${reply.code}: ${reply.message}`}\n`);
  process.exitCode = reply.code;
}
