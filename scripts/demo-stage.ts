/** What the demos share: a voice that says how late it is, kubectl in one namespace, and facts that must be so. */
import { spawnSync } from 'node:child_process';
import { env, stdout } from 'node:process';
import { styleText } from 'node:util';

/** Options of kubectl that name the cluster. */
export const context = env['CONTEXT'] ? ['--context', env['CONTEXT']] : [];
const began = Date.now();

export const say = (line: string) =>
  stdout.write(
    `${styleText('dim', `[${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s]`)} ${line}\n`,
  );
export const title = (line: string) => stdout.write(`\n${styleText('bold', line)}\n`);

/** kubectl in a namespace, and in the context that CONTEXT names: returns what it prints, throws what it complains of. */
export const kubectlIn =
  (namespace: string) =>
  (...args: string[]): string => {
    const all = [...context, '-n', namespace, ...args];
    const {
      status,
      stdout: output,
      stderr,
    } = spawnSync('kubectl', all, { encoding: 'utf8', maxBuffer: 64 << 20 });
    if (status !== 0) {
      throw new Error(`kubectl ${args.join(' ')}: ${stderr.trim()}`);
    }
    return output;
  };

/** Says the sentence, or ends the demo when it is not so. */
export function expectThat(fact: boolean, sentence: string, instead = ''): void {
  if (!fact) {
    throw new Error(`expected that ${sentence}${instead && `, but ${instead}`}`);
  }
  say(`${styleText('green', '✔')} ${sentence}`);
}
