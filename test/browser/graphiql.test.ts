import { mkdir } from 'node:fs/promises';

import { chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { chromiumFlags, chromiumPath } from '../support/chromium.ts';
import { startStack, until, type Stack } from '../support/stack.ts';

if (chromiumPath === undefined) {
  const remedy = 'Install Chromium (Debian: apt-get install chromium) or set CHROMIUM_PATH.';
  if (process.env['CI'] !== undefined) throw new Error(`No browser for the GraphiQL test. ${remedy}`);
  process.stderr.write(`SKIPPED: the GraphiQL test needs a browser. ${remedy}\n`);
}

describe.skipIf(chromiumPath === undefined)('GraphiQL in a browser', () => {
  let stack: Stack;
  beforeAll(
    async () =>
      void (stack = await startStack({
        sandbox: { processingMs: 1_500 },
        env: { CONFIRM_TIMEOUT_MS: '10000', READ_TIMEOUT_MS: '10000' },
      })),
  );
  afterAll(() => stack[Symbol.asyncDispose]());

  it('tells the story of a purchase, live, and asks no outside address', { timeout: 120_000 }, async () => {
    const browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: chromiumFlags });
    try {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
      const outside: string[] = [];
      const sockets: string[] = [];
      const errors: string[] = [];
      context.on('request', (request) => {
        if (!isOurs(request.url(), stack.gateway.url)) outside.push(request.url());
      });
      const watcher = await open(context.newPage());
      const buyer = await open(context.newPage());
      for (const page of [watcher, buyer]) {
        page.on('pageerror', (error) => errors.push(error.message));
        page.on('console', (line) => {
          if (line.text().includes('Content Security Policy')) errors.push(line.text());
        });
      }
      watcher.on('websocket', (socket) => sockets.push(socket.url()));

      await watcher.goto(`${stack.gateway.url}/graphql`);
      await watcher.locator('.graphiql-tab-button').first().waitFor();
      const names = (await watcher.locator('.graphiql-tabs').innerText()).split('\n');
      for (const name of ['WhoAmI', 'Validate', 'WatchLive', 'Confirm', 'Blocked', 'PurchasesOfToday']) {
        expect(names.join(' ')).toContain(name);
      }
      await run(watcher, 'WhoAmI');
      await shows(watcher, '"purchases:write"');

      await run(watcher, 'WatchLive');
      await until(() => sockets.length > 0, 'a WebSocket');
      // The subscription is there once the gateway has it; nothing on the page tells.
      await new Promise((resolve) => setTimeout(resolve, 500));

      await buyer.goto(`${stack.gateway.url}/graphql`);
      await run(buyer, 'Validate');
      await shows(buyer, '"Quote"');
      await run(buyer, 'Blocked');
      await shows(buyer, '"meter_blocked"');
      await run(buyer, 'Confirm');

      await shows(watcher, '"PENDING"');
      await shows(watcher, '"SUCCEEDED"');
      await shows(watcher, '"formatted"');
      await mkdir('test-results', { recursive: true });
      await watcher.screenshot({ path: 'test-results/graphiql-live.png' });
      await shows(buyer, '"SUCCEEDED"');
      await buyer.screenshot({ path: 'test-results/graphiql-confirm.png' });

      expect(stack.sandbox.ledger).toHaveLength(1);
      expect(sockets.every((url) => url.startsWith(stack.gateway.url.replace('http', 'ws')))).toBe(true);
      expect(outside).toEqual([]);
      expect(errors).toEqual([]);
    } catch (error) {
      for (const [index, page] of browser
        .contexts()
        .flatMap((context) => context.pages())
        .entries()) {
        await page.screenshot({ path: `test-results/failed-${index}.png` });
      }
      throw error;
    } finally {
      await browser.close();
    }
  });
});

async function open(opening: Promise<Page>): Promise<Page> {
  const page = await opening;
  page.setDefaultTimeout(30_000);
  return page;
}

function isOurs(url: string, gateway: string): boolean {
  return url.startsWith(gateway) || /^(data|blob|about):/.test(url);
}

async function run(page: Page, tab: string): Promise<void> {
  const button = page.locator(`.graphiql-tab-button[title="${tab}"]`);
  await button.click();
  await page.locator('.graphiql-tab-active', { has: button }).waitFor();
  await page
    .locator('.graphiql-query-editor', { hasText: new RegExp(`(query|mutation|subscription)\\s${tab}`) })
    .waitFor();
  await page.locator('.graphiql-execute-button').click();
}

/** Waits until the answer pane shows the text. */
async function shows(page: Page, text: string): Promise<void> {
  await page.waitForFunction(
    (wanted) =>
      (document.querySelector('.result-window, .graphiql-response')?.textContent ?? '')
        .replaceAll('\u00a0', ' ')
        .includes(wanted),
    text,
  );
}
