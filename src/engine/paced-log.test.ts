import { expect, test } from '@jest/globals';
import { pacedLog } from './paced-log.ts';
import type { Log, LogFields } from './telemetry-ports.ts';

function capture() {
  const lines: { message: string; fields: LogFields }[] = [];
  const logWith = (base: LogFields): Log => {
    const write = (message: string, fields?: LogFields) =>
      void lines.push({ message, fields: { ...base, ...fields } });
    return {
      debug: write,
      info: write,
      warn: write,
      error: write,
      with: (more) => logWith({ ...base, ...more }),
    };
  };
  let now = 0;
  const log = pacedLog(logWith({}), { steady: () => now });
  const pass = (ms: number) => {
    now += ms;
  };
  const about = (name: string) => lines.filter(({ fields }) => fields['name'] === name);
  return { log, lines, pass, about };
}

const times = (count: number, run: (index: number) => void) =>
  Array.from({ length: count }, (_, i) => run(i));
const web = { namespace: 'shop', name: 'web' };

test('lines about one Upgrade are limited, and the next one says how many are missing', () => {
  const { log, lines, pass } = capture();
  times(1000, (i) => log.warn(`Falling back ${i}`, web));
  expect(lines).toHaveLength(60);
  pass(10_000);
  log.error('The API server rejected a write', web);
  expect(lines.at(-1)).toEqual({
    message: 'The API server rejected a write',
    fields: { ...web, leftOut: 940 },
  });
  pass(10_000);
  log.info('FellBack', web);
  expect(lines.at(-1)).toEqual({ message: 'FellBack', fields: web });
});

test('others are not affected, nor is the end of an attempt with many pods', () => {
  const { log, about } = capture();
  times(1000, (i) => log.info(`Deleted pod web-${i}`, { ...web, pod: `web-${i}` }));
  times(1000, () => log.info('Upgrading', { namespace: 'shop', name: 'api' }));
  log.info('Succeeded', web);
  expect(about('web').at(-1)?.message).toBe('Succeeded');
  expect(about('web')).toHaveLength(61);
});

test('names that are used once are limited by their namespace, and another namespace is not', () => {
  const { log, lines, pass } = capture();
  times(20_000, (i) => log.info('Upgrading', { namespace: 'shop', name: `web-${i}` }));
  expect(lines).toHaveLength(10_000);
  log.info('Upgrading', { namespace: 'bank', name: 'web' });
  expect(lines.at(-1)?.fields).toEqual({ namespace: 'bank', name: 'web' });
  pass(60_000);
  times(20_000, (i) => log.info('Upgrading', { namespace: 'shop', name: `web-${i}` }));
  expect(lines).toHaveLength(10_121);
  expect(lines[10_001]?.fields['leftOut']).toBe(10_000);
});

test('fields given once count too', () => {
  const { log, lines } = capture();
  const about = log.with(web);
  times(100, () => about.info('Upgrading'));
  expect(lines).toHaveLength(60);
});

test('lines of the level debug, and those about the operator itself, are all written', () => {
  const { log, lines } = capture();
  times(100, () => log.debug('conflict', web));
  times(100, () => log.warn('The watch of pods failed'));
  expect(lines).toHaveLength(200);
});
