import { describe, expect, test } from '@jest/globals';
import { nearest, readFlags } from './flags.ts';

const FLAGS = {
  name: { value: 'NAME', help: '' },
  'max-execs': { value: 'N', help: '' },
  'leader-elect': { help: '' },
  help: { help: '' },
};
function read(...args: string[]) {
  const { values, words, mistakes } = readFlags(args, FLAGS);
  return { values: Object.fromEntries(values), words, mistakes };
}

describe('flags are parsed like in Go programs', () => {
  test.each([
    ['a value behind', ['--name', 'x'], { name: 'x' }],
    ['a value within', ['--name=x=y'], { name: 'x=y' }],
    ['an empty value', ['--name='], { name: '' }],
    ['one dash', ['-name', 'x', '-leader-elect'], { name: 'x', 'leader-elect': 'true' }],
    ['a bare switch', ['--leader-elect'], { 'leader-elect': 'true' }],
    ['a switch that is off', ['--leader-elect=false'], { 'leader-elect': 'false' }],
    ['the last of two', ['--name=a', '--name=b'], { name: 'b' }],
    ['-h', ['-h'], { help: 'true' }],
  ])('%s', (_, args, values) => {
    expect(read(...args)).toEqual({ values, words: [], mistakes: [] });
  });

  test('other words are kept, and everything after two dashes', () => {
    expect(read('run', '--leader-elect', 'x', '--', '--name')).toMatchObject({
      words: ['run', 'x', '--name'],
    });
  });
});

describe('mistakes are reported', () => {
  test.each([
    [['--maxexecs=1'], 'unknown flag --maxexecs: did you mean --max-execs?'],
    [['--max_execs', '1'], 'unknown flag --max_execs: did you mean --max-execs?'],
    [['-max-exec=1'], 'unknown flag --max-exec: did you mean --max-execs?'],
    [['--elect'], 'unknown flag --elect: did you mean --leader-elect?'],
    [['--color'], 'unknown flag --color'],
    [['--constructor'], 'unknown flag --constructor'],
    [['--name'], '--name needs a value: --name=NAME'],
    [['--name', '--leader-elect'], '--name needs a value: --name=NAME'],
  ])('%j', (args, mistake) => {
    expect(read(...args)).toMatchObject({ words: [], mistakes: [mistake] });
  });
});

test('the nearest word is the one with the fewest changes', () => {
  expect(nearest('unistall', ['run', 'uninstall'])).toBe('uninstall');
  expect(nearest('serve', ['run', 'uninstall'])).toBeUndefined();
  expect(nearest('x'.repeat(100_000), ['run'])).toBeUndefined();
});
