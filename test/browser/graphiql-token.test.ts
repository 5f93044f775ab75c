import { chromium } from 'playwright-core';
import { describe, expect, it } from 'vitest';

import { chromiumFlags, chromiumPath } from '../support/chromium.ts';
import { startIssuer } from '../support/issuer.ts';
import { confirm, electricity, graphqlCaller, startStack, until } from '../support/stack.ts';

describe.skipIf(chromiumPath === undefined)('GraphiQL in a browser, with authentication', () => {
  it(
    'asks with the token that is put among its headers, also live, and keeps it nowhere',
    { timeout: 120_000 },
    async () => {
      await using issuer = await startIssuer();
      await using stack = await startStack({ env: { ...issuer.env, GRAPHIQL: 'on', INTROSPECTION: 'on' } });
      const token = await issuer.token({ sub: 'developer' });
      const browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: chromiumFlags });
      try {
        const page = await (
          await browser.newContext({
            viewport: { width: 1440, height: 900 },
            permissions: ['clipboard-read', 'clipboard-write'],
          })
        ).newPage();
        page.setDefaultTimeout(30_000);
        const streams: string[] = [];
        page.on('request', (request) => {
          streams.push(request.url() + (request.postData() ?? ''));
        });
        const shows = (text: string) =>
          page.waitForFunction(
            (wanted) =>
              (document.querySelector('.result-window, .graphiql-response')?.textContent ?? '')
                .replaceAll('\u00a0', ' ')
                .includes(wanted),
            text,
          );
        const headers = page.locator('.graphiql-editor-tool .graphiql-editor:not(.hidden)');
        const put = async (text: string) => {
          await headers.locator('.monaco-editor, .CodeMirror').first().click();
          await page.keyboard.press('Control+a');
          await page.evaluate((wanted) => navigator.clipboard.writeText(wanted), text);
          await page.keyboard.press('Control+v');
        };
        const open = async (tab: string) => {
          const button = page.locator(`.graphiql-tab-button[title="${tab}"]`);
          const active = page.locator('.graphiql-tab-active', { has: button });
          while ((await active.count()) === 0) {
            await button.click();
            await page.waitForTimeout(300);
          }
        };
        await page.goto(`${stack.gateway.url}/graphql`);
        await page.locator('.graphiql-tab-button').first().waitFor();
        await open('WhoAmI');
        // As the page opens, with the place for a token and none in it.
        await page.locator('.graphiql-execute-button').click();
        await shows('UNAUTHENTICATED');
        await put(JSON.stringify({ Authorization: `Bearer ${token}` }));
        await page.locator('.graphiql-execute-button').click();
        await shows('"purchases:write"');
        await open('WatchLive');
        await put(JSON.stringify({ Authorization: `Bearer ${token}` }));
        await page.locator('.graphiql-execute-button').click();
        await until(() => streams.some((sent) => sent.includes('WatchLive')), 'the subscription');
        await page.waitForTimeout(500);
        const graphql = graphqlCaller(stack.gateway.url, token);
        await confirm(graphql, { idempotencyKey: 'a', from: { details: await electricity(graphql) } });
        await shows('"SUCCEEDED"');
        const kept = await page.evaluate(() =>
          JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)]),
        );
        expect(kept).toContain('WhoAmI');
        expect(kept).not.toContain(token);
      } catch (error) {
        for (const page of browser.contexts().flatMap((context) => context.pages()))
          await page.screenshot({ path: 'test-results/failed-token.png' });
        throw error;
      } finally {
        await browser.close();
      }
    },
  );
});
