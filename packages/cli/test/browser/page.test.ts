/** The page in a real browser: hostile texts, keyboard, screen readers, lost connections, and many Upgrades at once. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Browser, Locator } from 'playwright-core';
import { openBrowser, openPage, type Watching } from '../../../../test/support/browser.ts';
import { bundlePage } from '../../build.ts';
import type { Subject } from '../../src/dashboard/admission.ts';
import type { About, ActReply, Card, Detail, Message } from '../../src/dashboard/model.ts';
import { type Listening, listen, type Page } from '../../src/dashboard/server.ts';
import { BAD, begun, GOOD } from '../watched.ts';

jest.setTimeout(120_000);

const ABOUT: About = {
  server: 'https://cluster.example:6443',
  version: '0.0.0',
  canAct: true,
  synced: true,
  notes: [],
};

let browser: Browser;
let page: Page;
let listening: Listening;
let opened: Watching[];
let sends: Set<(message: Message) => void>;
let cards: Card[];
let details: Map<string, Detail>;
let acts: unknown[];
/** The time at the API server. */
let now: number;

beforeAll(async () => {
  browser = await openBrowser();
  page = (await bundlePage()).page;
}, 120_000);
afterAll(() => browser?.close());

beforeEach(async () => {
  [opened, sends, cards, details, acts, now] = [[], new Set(), [], new Map(), [], Date.now()];
  listening = await listen({ page, subscribe, act, now: () => now }, 0);
});
afterEach(async () => {
  for (const { page: one, faults } of opened) {
    await one.close();
    expect(faults).toEqual([]);
  }
  await listening.close();
});

function subscribe(subject: Subject | undefined, send: (message: object) => void): () => void {
  send({ type: 'about', about: ABOUT });
  send({ type: 'fleet', cards });
  if (subject) {
    const key = `${subject.namespace}/${subject.name}`;
    const detail = details.get(key);
    send({ type: 'upgrade', key, ...(detail ? { detail } : {}) });
  }
  sends.add(send);
  return () => void sends.delete(send);
}

async function act(request: unknown): Promise<{ status: number; body: ActReply }> {
  acts.push(request);
  const { confirmed } = request as { confirmed?: boolean };
  return { status: 200, body: { done: confirmed === true, text: 'Attempt 1 ends, and web:1.9 is put back' } };
}

function tellAll(message: Message): void {
  for (const send of sends) {
    send(message);
  }
}

async function open(hash = '', url = listening.url): Promise<Watching['page']> {
  const one = await openPage(browser, `${url}${hash}`);
  opened.push(one);
  return one.page;
}

/** An Upgrade that runs, and one that fell back. */
function running(): Detail {
  const watched = begun();
  watched.stage.hears(BAD).settle();
  return watched.look();
}

function fellBack(output = 'config: key tls.cert missing\n'): Detail {
  const watched = begun();
  const { stage } = watched;
  stage.hears(BAD).settle();
  watched.look();
  stage.seconds(600).hears({ kind: 'exit', code: 17, output });
  stage.decide();
  watched.look();
  stage.settle();
  watched.others = [];
  watched.look();
  stage.seconds(2).hears(GOOD).settle();
  return watched.look();
}

const cardNamed = (name: string, change: Partial<Card> = {}): Card => ({
  ...running().card,
  name,
  key: `shop/${name}`,
  ...change,
});

describe('the fleet', () => {
  test('differs visibly between loading and empty', async () => {
    const one = await open();
    await one.getByText('There are no Upgrades.').waitFor();
    expect(await one.getByRole('heading', { level: 1 }).textContent()).toBe(
      '0 Upgrades, none needs attention',
    );
  });

  test('has a link with a complete label for each Upgrade, those that need a person first', async () => {
    cards = [
      cardNamed('well', { section: 'good', urgency: 9, phase: 'Succeeded', look: 'good' }),
      cardNamed('bad', {
        section: 'person',
        urgency: 0,
        phase: 'FallbackFailed',
        look: 'bad',
        headline: 'look now',
      }),
    ];
    const one = await open();
    const links = one.getByRole('link', { name: /^shop\// });
    await links.first().waitFor();
    expect(await links.evaluateAll((all) => all.map((link) => link.getAttribute('aria-label')))).toEqual([
      'shop/bad: FallbackFailed, 0/3 passed. look now',
      expect.stringMatching(/^shop\/well: Succeeded/),
    ]);
    expect(await one.getByRole('region', { name: /Needs attention 1/ }).count()).toBe(1);
    expect(await one.title()).toBe('(1) postcheck');
  });

  // argoproj/argo-cd#8560, deephaven/web-client-ui#2348
  test('has the whole name of each Upgrade, so that two with the same beginning differ', async () => {
    const longest = cardNamed('a'.repeat(253), { namespace: 'n'.repeat(63), key: 'long/a' });
    const blueAndGreen = ['blue', 'green'].map((colour) =>
      cardNamed(`payments-api-production-europe-west-4-${colour}`, { namespace: 'team-checkout-production' }),
    );
    cards = [longest, ...blueAndGreen];
    const one = await open();
    await one.locator('.card').nth(2).waitFor();
    expect(await hidden(one.locator('.card .name'))).toEqual([]);
  });

  test('can be used with the keyboard alone', async () => {
    cards = ['a', 'b', 'c'].map((name) => cardNamed(name));
    details.set('shop/b', running());
    const one = await open();
    await one.getByRole('link', { name: /^shop\/a/ }).waitFor();
    await one.keyboard.press('ArrowDown');
    await one.keyboard.press('ArrowDown');
    expect(await one.evaluate('document.activeElement.getAttribute("href")')).toBe('#/shop/b');
    await one.keyboard.press('Enter');
    await one.getByRole('heading', { name: 'shop/web' }).waitFor();
    await one.keyboard.press('Escape');
    await one.getByRole('link', { name: /^shop\/c/ }).waitFor();
    await one.keyboard.press('/');
    await one.keyboard.type('shop/c');
    await one.getByRole('link', { name: /^shop\/a/ }).waitFor({ state: 'detached' });
    expect(await one.getByRole('link', { name: /^shop\// }).count()).toBe(1);
  });

  test('shows created and deleted Upgrades', async () => {
    cards = [cardNamed('a'), cardNamed('b')];
    const one = await open();
    await one.getByRole('link', { name: /^shop\/b/ }).waitFor();
    tellAll({
      type: 'cards',
      changed: [cardNamed('a', { headline: 'news' }), cardNamed('new')],
      gone: ['shop/b'],
    });
    await one.getByText('news').waitFor();
    await one.getByRole('link', { name: /^shop\/new/ }).waitFor();
    expect(await one.getByRole('link', { name: /^shop\/b/ }).count()).toBe(0);
  });

  test('of two hundred Upgrades redraws only those that changed', async () => {
    cards = Array.from({ length: 200 }, (_, index) => cardNamed(`web-${index}`));
    const one = await open();
    await one.getByRole('link', { name: /^shop\/web-199:/ }).waitFor();
    await one.evaluate(`
      window.touched = new Set();
      new MutationObserver((changes) => {
        for (const { target } of changes) {
          const card = (target.nodeType === 1 ? target : target.parentElement).closest('.card');
          const isClock = (target.nodeType === 1 ? target : target.parentElement).closest('.age');
          if (card && !isClock) window.touched.add(card.getAttribute('href'));
        }
      }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
    `);
    for (let round = 1; round <= 20; round++) {
      const changed = [3, 77, 150].map((index) => cardNamed(`web-${index}`, { headline: `round ${round}` }));
      tellAll({ type: 'cards', changed, gone: [] });
    }
    await one.getByText('round 20').nth(2).waitFor();
    const touched = (await one.evaluate('[...window.touched]')) as string[];
    expect(touched.sort()).toEqual(['#/shop/web-150', '#/shop/web-3', '#/shop/web-77']);
  });
});

describe('an Upgrade', () => {
  test('shows its pods over time, each probe with its exit code, and the deadline', async () => {
    details.set('shop/web', running());
    const one = await open('#/shop/web');
    await one.getByRole('heading', { name: 'Pods' }).waitFor();
    expect(await one.locator('.lane .try text').allTextContents()).toEqual(['17', '17', '17']);
    expect(await one.locator('.lane .deadline').count()).toBe(3);
    const table = one.getByRole('table', { name: 'The pods of the attempt' });
    expect(await table.getByRole('row').count()).toBe(7);
    expect(await table.textContent()).toContain('readiness-probe 17, ProbeFailed, try 1closed');
    expect(await one.locator('pre').textContent()).toBe('config: key tls.cert missing');
  });

  test('is shown in the time of the cluster, also on a machine whose clock is wrong by months', async () => {
    const detail = running();
    now = detail.lanes.to;
    details.set('shop/web', detail);
    const one = await open('#/shop/web');
    await one.locator('.lane .deadline').first().waitFor();
    expect(await one.locator('.lane .deadline').first().textContent()).toMatch(/^deadline in 9m\d+s/);
    expect(await one.locator('.top .age').textContent()).toMatch(/^for \d+s$/);
  });

  test('continues to the right with its fallback, and says what runs', async () => {
    details.set('shop/web', fellBack());
    const one = await open('#/shop/web');
    await one.getByText('Not urgent: the upgrade is stalled until you act').waitFor();
    expect(await one.locator('.axis .mark').allTextContents()).toEqual([
      expect.stringMatching(/^attempt 1 /),
      expect.stringMatching(/^falls back /),
      expect.stringMatching(/^fell back /),
    ]);
    expect(await one.locator('.lane rect.fallback').count()).toBeGreaterThan(0);
    expect(await one.locator('.lane .verdict.look-bad').count()).toBe(3);
    expect(await one.locator('.lane .verdict.look-good').count()).toBe(3);
  });

  test('that does not exist is reported, and an invalid name in the address opens the fleet', async () => {
    const one = await open('#/shop/nothing');
    await one.getByText('There is no Upgrade shop/nothing.').waitFor();
    await one.goto(`${listening.url}#/shop/<img>`);
    await one.getByText('There are no Upgrades.').waitFor();
  });

  test('is changed only after a confirmation that says what will happen', async () => {
    details.set('shop/web', running());
    const one = await open('#/shop/web');
    await one.getByRole('button', { name: 'abort' }).click();
    await one.getByText('Attempt 1 ends, and web:1.9 is put back').waitFor();
    expect(acts).toEqual([
      expect.objectContaining({ verb: 'abort', namespace: 'shop', name: 'web', attempt: 1 }),
    ]);
    await one.keyboard.press('Escape');
    await one.getByRole('dialog').waitFor({ state: 'hidden' });
    expect(new URL(one.url()).hash).toBe('#/shop/web');
    await one.getByRole('button', { name: 'abort' }).click();
    await one.getByRole('button', { name: 'Yes, abort' }).click();
    await one.getByText('Done: Attempt 1 ends').waitFor();
    expect(acts).toHaveLength(3);
    expect(acts[2]).toMatchObject({ confirmed: true });
  });
});

const HOSTILE = [
  '<img src=x onerror="window.hacked=1">',
  '<script>window.hacked=1</script>',
  '"><svg/onload=window.hacked=1>',
  "';window.hacked=1//",
  'javascript:window.hacked=1',
  '</pre><iframe srcdoc="<script>parent.hacked=1</script>">',
  '&lt;b&gt;',
];

describe('foreign text', () => {
  test('is never interpreted as markup, wherever it appears', async () => {
    const text = HOSTILE.join(' ');
    const detail = fellBack(`${text}\n`);
    const [lane] = detail.lanes.lanes;
    const [life] = lane?.lives ?? [];
    const hostile: Detail = {
      ...detail,
      headline: text,
      missing: [text],
      parts: [
        { topic: 'Why', lines: [text] },
        { topic: 'Next', lines: [text] },
      ],
      stages: [{ name: text, state: text, look: 'busy', verified: 0, desired: 1 }],
      history: detail.history.map((entry) => ({ ...entry, images: text, cause: text, outcome: text })),
      card: {
        ...detail.card,
        name: text,
        images: text,
        headline: text,
        phase: text,
        passed: text,
        target: text,
      },
      lanes: {
        ...detail.lanes,
        marks: detail.lanes.marks.map((mark) => ({ ...mark, text: `${text}${mark.at}` })),
        lanes:
          lane && life
            ? [
                {
                  ...lane,
                  pod: text,
                  node: text,
                  zone: text,
                  lives: [
                    {
                      ...life,
                      state: text,
                      words: text,
                      tries: life.tries.map((one) => ({ ...one, text, reason: text, check: text })),
                    },
                  ],
                },
              ]
            : [],
      },
      evidence: {
        ...detail.evidence,
        splits: [{ by: 'node', rows: [{ name: text, codes: [{ text, look: 'bad', pods: 1 }] }] }],
      },
    };
    details.set('shop/web', hostile);
    cards = [{ ...hostile.card, key: 'shop/web' }];
    const one = await open('#/shop/web');
    await one.locator('.sentence').waitFor();
    expect(await one.locator('.sentence').textContent()).toBe(text);
    expect(await one.locator('pre').first().textContent()).toBe(text);
    expect(await one.locator('main img, main iframe, main script').count()).toBe(0);
    await one.goto(listening.url);
    await one.locator('.card').waitFor();
    expect(await one.locator('.card .headline').textContent()).toBe(text);
    expect(await one.evaluate('window.hacked')).toBeUndefined();
  });

  test('stays inside its panel, however long it is', async () => {
    const detail = fellBack(`${'x'.repeat(3000)}\n`);
    const name = 'w'.repeat(300);
    const codes = [
      { text: 'exit 17', look: 'bad' as const, pods: 3 },
      { text: 'R'.repeat(64), look: 'bad' as const, pods: 1 },
    ];
    const long: Detail = {
      ...detail,
      headline: name,
      parts: [{ topic: 'Why', lines: [name, `${name}${name}`] }],
      evidence: {
        ...detail.evidence,
        splits: (['node', 'image'] as const).map((by) => ({ by, rows: [{ name, codes }] })),
      },
      history: detail.history.map((entry) => ({ ...entry, images: name, cause: name })),
    };
    details.set('shop/web', long);
    const one = await open('#/shop/web');
    await one.getByRole('heading', { name: 'Why' }).waitFor();
    expect(
      await hidden(one.locator('.top p, .panel :is(p, dd, pre, .chip), :is(.split, .history) :is(th, td)')),
    ).toEqual([]);
  });
});

/** The texts of which a part is outside of their own box, or of the panel or card that they are in. */
const hidden = (texts: Locator): Promise<string[]> =>
  texts.evaluateAll((all) =>
    all.flatMap((element) => {
      const box = element.closest('.panel, .card, .top')?.getBoundingClientRect();
      const { right, bottom } = element.getBoundingClientRect();
      const isCut = element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1;
      return isCut || (box && (right > box.right + 1 || bottom > box.bottom + 1))
        ? [element.textContent ?? '']
        : [];
    }),
  );

/** A port that is forwarded, and can be cut. */
async function forward(port: number, to: number): Promise<{ port: number; cut: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    const other = connect(to, '127.0.0.1');
    for (const one of [socket, other]) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        socket.destroy();
        other.destroy();
      });
    }
    socket.pipe(other).pipe(socket);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as { port: number };
  return {
    port: address.port,
    cut: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) {
        socket.destroy();
      }
      await closed;
    },
  };
}

describe('the connection', () => {
  test('is reported when lost; after it is restored, the page shows what happened in between', async () => {
    cards = [cardNamed('a')];
    const own = new URL(listening.url);
    const first = await forward(0, Number(own.port));
    const one = await open('', `http://localhost:${first.port}${own.pathname}`);
    await one.getByRole('link', { name: /^shop\/a/ }).waitFor();
    await first.cut();
    await one.getByText('No connection for').waitFor();
    cards = [cardNamed('b')];
    const second = await forward(first.port, Number(own.port));
    await one.getByRole('link', { name: /^shop\/b/ }).waitFor();
    await one.getByRole('status').getByText('live').waitFor();
    expect(await one.getByRole('link', { name: /^shop\/a/ }).count()).toBe(0);
    await second.cut();
  });

  test('is closed by a page in the background: seven pages can be open at once', async () => {
    cards = [cardNamed('a')];
    const context = await browser.newContext();
    for (let number = 1; number <= 7; number++) {
      const one = await context.newPage();
      // A page in the background is hidden; a browser without a window says so of none by itself.
      await one.goto(listening.url);
      await one.getByRole('link', { name: /^shop\/a/ }).waitFor();
      await one.evaluate(`
        Object.defineProperty(document, 'hidden', { get: () => true, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      `);
    }
    // Who comes back sees the present at once.
    cards = [cardNamed('b')];
    const [first] = context.pages();
    await first?.evaluate(`
      Object.defineProperty(document, 'hidden', { get: () => false });
      document.dispatchEvent(new Event('visibilitychange'));
    `);
    await first?.getByRole('link', { name: /^shop\/b/ }).waitFor();
    await context.close();
  });
});
