import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { readRegistry } from '../src/registry.ts';
import { registryRules } from '../src/verbs/codes.ts';
import { fakeIo } from './io.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'exit-codes-'));

afterAll(() => rmSync(scratch, { recursive: true }));

/** What `codes --registry` prints. */
async function printed(path: string): Promise<string> {
  const io = fakeIo();
  await registryRules(io, path);
  return io.written.join('');
}

function entry(code: string, more = ''): string {
  return `- code: ${code}\n  reason: Code${code.replaceAll(/\D/g, 'x')}\n  message: text\n${more}`;
}

function mistakesOf(text: string): readonly string[] {
  const registry = readRegistry(text);
  return 'mistakes' in registry ? registry.mistakes : [];
}

describe('a registry', () => {
  test('is converted to exitCodes in the order of the file, codes as text, with Retry as default', () => {
    const registry = readRegistry(
      `codes:\n${entry('20-29', '  class: Fail\n')}${entry('3')}${entry('119', '  class: Skip\n')}`,
    );
    expect(registry).toEqual({
      rules: [
        { codes: '20-29', class: 'Fail', reason: 'Code20x29', message: 'text' },
        { codes: '3', class: 'Retry', reason: 'Code3', message: 'text' },
        { codes: '119', class: 'Skip', reason: 'Code119', message: 'text' },
      ],
    });
  });

  test('may be JSON', () => {
    expect(readRegistry('{"codes": [{"code": 17, "reason": "Closed", "message": "m"}]}')).toEqual({
      rules: [{ codes: '17', class: 'Retry', reason: 'Closed', message: 'm' }],
    });
  });

  test.each(['0', '1', '2', '120', '124', '127', '143', '255', '1-5', '100-130', '0-255'])(
    'may not use the reserved code %s',
    (code) => {
      expect(mistakesOf(`codes:\n${entry(code)}`)).toEqual([
        expect.stringMatching(/^line 2: code .* is reserved: .*own codes are 3 to 119$/),
      ]);
    },
  );

  test.each(['3', '119', '3-119', '17'])('may use %s', (code) => {
    expect(mistakesOf(`codes:\n${entry(code)}`)).toEqual([]);
  });

  test('may not define one code twice', () => {
    expect(mistakesOf(`codes:\n${entry('10-20')}${entry('20')}${entry('21')}`)).toEqual([
      'line 5: code 20 overlaps with line 2',
    ]);
  });

  test.each(['seventeen', '-3', '3-', '3.5', '1234', '3,4', '""'])('may not write a code as %s', (code) => {
    expect(mistakesOf(`codes:\n- code: ${code}\n  reason: Bad\n  message: text\n`)).toEqual([
      expect.stringMatching(/^line 2: code must be a number such as 17/),
    ]);
  });

  test('has ranges with the smaller code first', () => {
    expect(mistakesOf(`codes:\n${entry('30-20')}`)).toEqual([
      'line 2: range 30-20 must have the smaller code first',
    ]);
  });

  test('is reported with all its mistakes, each with its line', () => {
    const text =
      'codes:\n- code: 5\n  reason: not camel\n  message: ok\n- code: 6\n  reason: Fine\n  class: Maybe\n- code: 7\n  reason: Fine\n  message: ok\n  hint: x\nextra: 1\n';
    expect(mistakesOf(text)).toEqual([
      'line 12: unknown key "extra"; known keys are codes',
      'line 2: reason must be one CamelCase word of at most 64 characters, not "not camel"',
      'line 5: class must be one of Retry, Fail, Skip, Pass, not "Maybe"',
      'line 5: message is missing: say what the code means',
      'line 11: unknown key "hint"; known keys are code, reason, message, class',
    ]);
  });

  test('stays within the limits of an Upgrade', () => {
    const many = Array.from({ length: 33 }, (_, index) => entry(String(index + 3))).join('');
    expect(mistakesOf(`codes:\n${many}`)).toEqual([
      expect.stringMatching(/has 33 entries; an Upgrade allows 32/),
    ]);
    expect(mistakesOf(`codes:\n- {code: 9, reason: Long, message: ${'x'.repeat(257)}}\n`)).toEqual([
      expect.stringMatching(/257 characters, at most 256 are allowed/),
    ]);
  });

  test.each(['', 'codes: []', 'codes: 3', '[]', 'text'])(
    'must have a list of codes, which %j is not',
    (text) => {
      expect(mistakesOf(text)).toEqual([expect.stringMatching(/^line 1: must have a list called "codes"/)]);
    },
  );

  test('that is not YAML is reported with its line', () => {
    expect(mistakesOf('codes:\n- code: 3\n  reason: "open\n')).toEqual([
      expect.stringMatching(/^line \d+: .*quote/),
    ]);
  });
});

describe('codes --registry', () => {
  test.each(['heartbeat', 'tcp-service'])(
    'prints the registry of the sample hook %s, and the hook uses exactly these codes',
    async (name) => {
      const folder = join(root, 'container/hooks', name);
      const rules = (
        parse(await printed(join(folder, 'codes.yaml'))) as {
          exitCodes: { codes: unknown; reason: string }[];
        }
      ).exitCodes;
      const used = [
        ...readFileSync(join(folder, 'readiness_probe_hook'), 'utf8').matchAll(/^[A-Z_]+ ?= ?(\d{2,3})$/gm),
      ].map(([, code]) => code);
      expect(rules.map((rule) => rule.codes)).toEqual(used);
    },
  );

  test('lists every mistake with its line, and prints nothing', async () => {
    const path = join(scratch, 'bad.yaml');
    writeFileSync(path, `codes:\n${entry('2')}${entry('1')}`);
    await expect(printed(path)).rejects.toThrow(
      /bad\.yaml: line 2: code 2 is reserved[\s\S]*line 5: code 1 is reserved/,
    );
  });

  test('says which file cannot be read', async () => {
    await expect(printed('/nonexistent.yaml')).rejects.toThrow('cannot read /nonexistent.yaml');
  });
});
