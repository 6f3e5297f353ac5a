/** `kubectl postcheck dashboard` in a browser, while a good and a bad version are rolled on real nodes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { env, execPath } from 'node:process';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { tool } from '../../packages/cli/test/cli-environment.ts';
import { openBrowser, openPage } from '../support/browser.ts';
import type { Json } from './support/api.ts';
import { scenario, TEST_MS } from './support/scenario.ts';
import { CONTAINER, image, upgrade } from './support/workloads.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** Where pictures go, for the docs; none are taken without. */
const { PICTURES } = env;

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
}, TEST_MS);
afterAll(() => browser?.close());

/** Starts the tool, and gives the address that it prints. */
async function dashboard(): Promise<{ url: string; process: ChildProcess }> {
  const where = env['CONTEXT']
    ? ['--context', env['CONTEXT']]
    : ['--kubeconfig', join(ROOT, '.cluster/kubeconfig')];
  const words = [await tool(), 'dashboard', '--allow-actions', ...where];
  const process = spawn(execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: process.stdout });
  const [url] = (await once(lines, 'line')) as [string];
  return { url, process };
}

/** The page by day and by night. */
async function take(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) {
    return;
  }
  mkdirSync(PICTURES, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(PICTURES, `dashboard-${name}-${colorScheme}.png`), fullPage: true });
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

const SERVICE: Json = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { selector: { app: 'web' }, ports: [{ port: 8080 }] },
};

test(
  'shows a good version verified and a bad one taken back, and aborts when told to',
  scenario('Deployment', 'dashboard', async (s) => {
    await s.deploy('v1');
    await s.api.create(`/api/v1/namespaces/${s.namespace}/services`, SERVICE);
    const { url, process } = await dashboard();
    s.atEnd(() => process.kill('SIGKILL'));
    const { page, faults } = await openPage(browser, `${url}#/${s.namespace}/web`, {
      viewport: { width: 1180, height: 800 },
    });
    const phase = (name: string) => page.locator('.top .pill', { hasText: name });
    await page.getByText(`There is no Upgrade ${s.namespace}/web.`).waitFor();

    // Found without a reload, followed to its end, with what no other picture has: gates, endpoints, who took traffic.
    await s.create(upgrade('Deployment', 'v2', { postCheck: { periodSeconds: 2, deadlineSeconds: 60 } }));
    await phase('Succeeded').waitFor();
    await page.getByText('2 pods in the endpoints: 2 verified').first().waitFor();
    await page.locator('.lane .endpoint').nth(1).waitFor();
    await page.locator('.lane .gate').nth(1).waitFor();
    await page.locator('.lane .try.class-Pass').nth(1).waitFor();
    expect(await page.locator('path.verified').getAttribute('d')).not.toBe('');
    expect(await page.locator('path.unverified').getAttribute('d')).toBe('');
    await take(page, 'good');

    await s.edit({ containers: [{ name: CONTAINER, image: image('bad17') }] });
    await page.locator('.lane .try.class-Retry', { hasText: '17' }).first().waitFor();
    await page.locator('.lane .deadline').first().waitFor();
    await page.getByText('bad17: probe exits with 17').first().waitFor();
    await page.getByRole('table', { name: 'Codes by node' }).getByText('exit 17 on 1 pod').waitFor();
    await take(page, 'bad');

    await page.getByRole('button', { name: 'abort' }).click();
    await page.getByRole('button', { name: 'Yes, abort' }).click();
    await page.getByText(/^Done: /).waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    await phase('FellBack').waitFor();
    await page.locator('.lane rect.fallback').first().waitFor();
    expect(await page.locator('path.unverified').getAttribute('d')).toBe('');
    await take(page, 'back');

    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: `${s.namespace}/web: FellBack` }).waitFor();
    await take(page, 'fleet');
    expect(faults).toEqual([]);
    process.kill('SIGINT');
    await page.getByText('Is the command still running?').waitFor();
  }),
  TEST_MS,
);
