/** A real browser without a window: Debian's Chromium, which test/packages.sh installs. */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
/** Generous, for a busy machine: what is waited for comes, or the test says what did not. */
const LIMIT_MS = 60_000;

export async function openBrowser(): Promise<Browser> {
  const executablePath = PLACES.find((path) => existsSync(path));
  if (executablePath === undefined) {
    throw new Error('no Chromium: run test/packages.sh, which installs it');
  }
  // As root, Chromium has no sandbox; it opens pages of this test only.
  return await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

export interface Watching {
  readonly page: Page;
  /** What should never be: errors, refusals of the content security policy, dialogs, requests to anybody else. */
  readonly faults: string[];
}

/** A page, and everything that goes wrong on it. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Watching> {
  const page = await browser.newPage(options);
  const faults: string[] = [];
  page.setDefaultTimeout(LIMIT_MS);
  page.on('pageerror', ({ message }) => faults.push(message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/ERR_|status of 5/.test(message.text())) {
      faults.push(message.text());
    }
  });
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (new URL(request.url()).host !== new URL(url).host && !request.url().startsWith('data:')) {
      faults.push(`asked ${request.url()}`);
    }
  });
  await page.goto(url);
  return { page, faults };
}
