/** The page as it is shipped, and the parts of it that need no browser. */
import { describe, expect, jest, test } from '@jest/globals';
import { bundlePage, PAGE_LIMIT_BYTES, weightOf } from '../build.ts';
import { clock, deadlineText, scaleOf, span, ticksOf, withRoom } from '../page/scale.ts';
import { after, keyInAddress, type State } from '../page/state.ts';
import type { Card, Detail, Lanes, Message } from '../src/dashboard/model.ts';

// For a busy machine: what is waited for comes, or never.
jest.setTimeout(60_000);

describe('the bundled page', () => {
  test('is small, complete, and loads nothing from elsewhere', async () => {
    const { page, packages } = await bundlePage();
    expect(weightOf(page)).toBeLessThan(PAGE_LIMIT_BYTES);
    expect(Object.keys(page)).toEqual(['', 'app.js', 'app.css']);
    expect(packages).toContain('node_modules/preact');
    const names = Object.values(page).flatMap(
      ({ text }) => text.match(/(?:https?:)?\/\/[\w.-]+\.\w+[^"'`\s]*/g) ?? [],
    );
    // Names of XML's own vocabularies, which nobody asks for.
    expect(names.filter((name) => !name.startsWith('http://www.w3.org/'))).toEqual([]);
    for (const { text } of Object.values(page)) {
      expect(text).not.toMatch(/@import|\beval\(|new Function\(|document\.write|insertAdjacentHTML/);
    }
  });

  test('has no inline script or style, which its policy forbids', async () => {
    const { page } = await bundlePage();
    expect(page['']?.text).not.toMatch(/<script(?! type="module" src="app\.js">)|<style|\son\w+=|\sstyle=/);
  });
});

const lanes = (change: Partial<Lanes>): Lanes => ({
  from: 100_000,
  to: 130_000,
  isLive: false,
  periodSeconds: 10,
  marks: [],
  lanes: [],
  left: 0,
  ...change,
});

const withDeadline = (deadlineAt: number): Lanes =>
  lanes({
    isLive: true,
    lanes: [{ pod: 'web-a', node: '', zone: '', stage: '', lives: [{ deadlineAt } as never] }],
  });

describe('the scale', () => {
  test('extends from the start to the end, or to the present while the attempt runs', () => {
    const ended = scaleOf(lanes({}), 900_000, 1000);
    expect(ended.x(100_000)).toBeGreaterThan(0);
    expect(ended.x(130_000)).toBeGreaterThan(900);
    expect(ended.x(130_000)).toBeLessThan(1000);
    expect(scaleOf(lanes({ isLive: true }), 200_000, 1000).x(200_000)).toBeLessThan(1000);
  });

  test('includes a deadline that is near, but not one that would compress everything else', () => {
    expect(scaleOf(withDeadline(160_000), 130_000, 1000).x(160_000)).toBeLessThan(1000);
    expect(scaleOf(withDeadline(700_000), 130_000, 1000).x(700_000)).toBeGreaterThan(1000);
  });

  test('is valid for an attempt that started this moment', () => {
    const { from, to } = scaleOf(lanes({ to: 100_000 }), 100_000, 1000);
    expect(to - from).toBeGreaterThan(5000);
  });

  test.each([30_000, 600_000, 86_400_000, 30 * 86_400_000])('has a few round ticks over %i ms', (length) => {
    const ticks = ticksOf(scaleOf(lanes({ to: 100_000 + length }), 0, 900));
    expect(ticks.length).toBeLessThanOrEqual(10);
    expect(new Set(ticks).size).toBe(ticks.length);
  });

  test('leaves room for the label of a dot, the newest first', () => {
    expect(withRoom([0, 10, 100, 112, 200], 19)).toEqual([false, true, false, true, true]);
    expect(withRoom([], 19)).toEqual([]);
  });
});

test('spans and times are short', () => {
  expect([0, 12_000, 190_000, 1_200_000, 7_500_000, 400_000_000].map(span)).toEqual([
    '0s', '12s', '3m10s', '20m', '2h5m', '4d',
  ]); // biome-ignore format: a line
  expect(clock(Date.now())).toMatch(/^\d\d:\d\d:\d\d$/);
});

describe('the state of the page', () => {
  const card = (key: string): Card => ({ key }) as Card;
  const known = (state: Partial<State>, message: Message): State =>
    after({ aheadMs: 0, ...state }, message, 1000);

  test('an empty fleet is a loaded fleet', () => {
    expect(known({}, { type: 'fleet', cards: [] }).cards?.size).toBe(0);
    expect(known({}, { type: 'about', about: {} as never }).cards).toBeUndefined();
  });

  test('applies changes, and removes what was deleted', () => {
    const fleet = known({}, { type: 'fleet', cards: [card('a/a'), card('b/b')] });
    const next = known(fleet, { type: 'cards', changed: [card('c/c')], gone: ['a/a'] });
    expect([...(next.cards?.keys() ?? [])]).toEqual(['b/b', 'c/c']);
    expect(next.cards?.get('b/b')).toBe(fleet.cards?.get('b/b'));
  });

  test('ignores details of an Upgrade that is not the open one', () => {
    const state = { key: 'a/a' };
    expect(known(state, { type: 'upgrade', key: 'b/b', detail: {} as Detail }).detail).toBeUndefined();
    expect(known(state, { type: 'upgrade', key: 'a/a' }).detail).toBeNull();
  });

  test('shows an error until the data is available again', () => {
    const broken = known({ key: 'a/a' }, { type: 'upgrade', key: 'a/a', fault: 'cannot be shown' });
    expect(broken).toMatchObject({ detail: null, fault: 'cannot be shown' });
    expect(known(broken, { type: 'upgrade', key: 'a/a', detail: {} as Detail }).fault).toBeUndefined();
  });

  test('uses the time of the API server, independently of the local clock', () => {
    expect(known({}, { type: 'beat', now: 5000 }).aheadMs).toBe(4000);
  });

  test('counts every message as a heartbeat', () => {
    expect(known({ lostAt: 1 }, { type: 'beat', now: 0 }).lostAt).toBeUndefined();
    expect(known({ lostAt: 1 }, { type: 'fleet', cards: [] }).lostAt).toBeUndefined();
  });

  test('addresses name an Upgrade, or nothing', () => {
    expect(keyInAddress('#/shop/web.v2')).toBe('shop/web.v2');
    expect(['', '#/', '#/shop', '#/shop/web/x', '#/../x', '#/shop/<b>', '#main'].map(keyInAddress)).toEqual(
      Array(7).fill(undefined),
    );
  });
});

test('a deadline announces one last probe for a minute, as the command line does', () => {
  expect([90_000, 0, -60_000, -60_001].map(deadlineText)).toEqual([
    'deadline in 1m30s',
    'deadline over: one last probe',
    'deadline over: one last probe',
    'deadline over, and nothing is decided',
  ]);
});
