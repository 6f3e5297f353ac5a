/**
 * What the dashboard's page costs with many Upgrades that change all the time: `node test/bench/dashboard.ts [UPGRADES] [SECONDS]`.
 * Prints the gaps between two pictures in a headless browser; the machine's own load is in them.
 */
import { loadavg } from 'node:os';
import { argv } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundlePage, weightOf } from '../../packages/cli/build.ts';
import { cardOf } from '../../packages/cli/src/dashboard/card.ts';
import type { Card, Message } from '../../packages/cli/src/dashboard/model.ts';
import { listen } from '../../packages/cli/src/dashboard/server.ts';
import { openBrowser, openPage } from '../support/browser.ts';
import { Stage } from '../support/stage.ts';

const [upgrades, seconds] = [Number(argv[2] ?? 200), Number(argv[3] ?? 10)];
/** As often as the tool gathers changes, and so many at once. */
const EVERY_MS = 250;
const AT_ONCE = 20;

const stage = new Stage();
stage.settle();
const template = cardOf(stage.upgrade);
const cardNumber = (index: number, round: number): Card => ({
  ...template,
  name: `web-${index}`,
  key: `shop/web-${index}`,
  headline: `${template.headline}, ${round}`,
});

let tell: (message: Message) => void = () => {};
const { page } = await bundlePage();
const fleet: Message = {
  type: 'fleet',
  cards: Array.from({ length: upgrades }, (_, index) => cardNumber(index, 0)),
};
const listening = await listen(
  {
    page,
    now: Date.now,
    subscribe: (_, send) => {
      tell = send;
      send(fleet);
      return () => {};
    },
    act: async () => ({ status: 403, body: {} }),
  },
  0,
);
const browser = await openBrowser();
const { page: shown } = await openPage(browser, listening.url);
await shown
  .locator('.card')
  .nth(upgrades - 1)
  .waitFor({ state: 'attached' });
await shown.evaluate(`
  window.gaps = [];
  let last = performance.now();
  const look = (now) => { window.gaps.push(now - last); last = now; requestAnimationFrame(look); };
  requestAnimationFrame(look);
`);
for (let round = 1; round <= (seconds * 1000) / EVERY_MS; round++) {
  const changed = Array.from({ length: AT_ONCE }, (_, one) =>
    cardNumber((round * AT_ONCE + one) % upgrades, round),
  );
  tell({ type: 'cards', changed, gone: [] });
  await sleep(EVERY_MS);
}
const gaps = ((await shown.evaluate('window.gaps')) as number[]).sort((a, b) => a - b);
const at = (part: number): string => (gaps[Math.floor(part * (gaps.length - 1))] ?? 0).toFixed(0);
console.log(
  `page ${weightOf(page)} bytes compressed, fleet of ${upgrades} ${JSON.stringify(fleet).length} bytes`,
);
console.log(`${AT_ONCE} changes every ${EVERY_MS} ms for ${seconds} s, load ${loadavg()[0]?.toFixed(1)}`);
console.log(`ms between pictures: median ${at(0.5)}, 95 % ${at(0.95)}, 99 % ${at(0.99)}, longest ${at(1)}`);
await browser.close();
await listening.close();
