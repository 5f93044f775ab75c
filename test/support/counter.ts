import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { AxeBuilder } from '@axe-core/playwright';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { preview, type PreviewServer } from 'vite';
import { expect } from 'vitest';

import { startSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/sandbox.ts';
import { chromiumFlags, chromiumPath } from './chromium.ts';
import { freePort, startGatewayProcess, type GatewayProcess } from './process.ts';
import { environment, graphqlCaller, temporaryFolder, type GraphQLCaller } from './stack.ts';

const configFile = 'examples/counter/vite.config.js';
const outDir = join(process.cwd(), 'test-results/counter');

export const phone = { width: 390, height: 844 };
export const desktop = { width: 1280, height: 900 };

/** Builds the app as it would be delivered. */
export async function buildCounter(): Promise<void> {
  // In a process of its own: here NODE_ENV says that this is a test, and React would be its development build.
  const vite = [
    'node_modules/vite/bin/vite.js',
    'build',
    'examples/counter',
    '--outDir',
    outDir,
    '--emptyOutDir',
  ];
  await promisify(execFile)(process.execPath, vite, { env: { PATH: process.env['PATH'] ?? '' } });
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath ?? '', args: chromiumFlags });
}

/** The built app behind a proxy, a gateway in a process of its own, and a sandbox. */
export interface Counter extends AsyncDisposable {
  readonly sandbox: Sandbox;
  /** Straight to the gateway, past the app's proxy. */
  readonly graphql: GraphQLCaller;
  readonly killGateway: (signal: NodeJS.Signals) => Promise<void>;
  readonly startGateway: () => Promise<void>;
  /** Cuts every connection of the app off, and lets it come back. */
  readonly cutProxy: () => Promise<void>;
  readonly joinProxy: () => Promise<void>;
  /** A page of a browser of its own, opened on the app. */
  readonly open: (browser: Browser, viewport?: { width: number; height: number }) => Promise<OpenPage>;
}

export interface OpenPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Addresses that the page asked and that are not the app's. */
  readonly outside: readonly string[];
  readonly errors: readonly string[];
  /** What was sent over its WebSockets. */
  readonly sent: readonly string[];
  /** What came over its WebSockets. */
  readonly received: readonly string[];
}

export async function startCounter(
  options: { sandbox?: SandboxOptions; env?: Readonly<Record<string, string>> } = {},
): Promise<Counter> {
  const sandbox = await startSandbox(options.sandbox);
  const folder = await temporaryFolder();
  const [gatewayPort, appPort] = [await freePort(), await freePort()];
  const env = {
    ...environment(sandbox, join(folder.path, 'gateway.db'), { env: { CONFIRM_TIMEOUT_MS: '4000' } }),
    ...options.env,
    PORT: `${gatewayPort}`,
    LOG_LEVEL: 'info',
  };
  const target = `http://127.0.0.1:${gatewayPort}`;
  let gateway: GatewayProcess = await startGatewayProcess(env);
  let proxy: PreviewServer | undefined = await serve(target, appPort);
  const app = `http://127.0.0.1:${appPort}`;
  const contexts: BrowserContext[] = [];
  const cutProxy = async () => {
    const closed = proxy?.close();
    if (proxy !== undefined && 'closeAllConnections' in proxy.httpServer)
      proxy.httpServer.closeAllConnections();
    proxy = undefined;
    await closed;
  };
  return {
    sandbox,
    graphql: graphqlCaller(target),
    killGateway: async (signal) => {
      await gateway.kill(signal);
    },
    startGateway: async () => void (gateway = await startGatewayProcess(env)),
    cutProxy,
    joinProxy: async () => void (proxy = await serve(target, appPort)),
    open: async (browser, viewport = desktop) => {
      const context = await browser.newContext({ viewport, locale: 'en-BW' });
      contexts.push(context);
      await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: app });
      const page = await context.newPage();
      page.setDefaultTimeout(20_000);
      const opened = {
        outside: [] as string[],
        errors: [] as string[],
        sent: [] as string[],
        received: [] as string[],
      };
      context.on('request', (request) => {
        if (!request.url().startsWith(app) && !request.url().startsWith('data:'))
          opened.outside.push(request.url());
      });
      page.on('pageerror', (error) => opened.errors.push(error.message));
      page.on('websocket', (socket) => {
        if (new URL(socket.url()).host !== new URL(app).host) opened.outside.push(socket.url());
        socket.on('framesent', ({ payload }) => opened.sent.push(payload.toString()));
        socket.on('framereceived', ({ payload }) => opened.received.push(payload.toString()));
      });
      await page.goto(app);
      return { page, context, ...opened };
    },
    async [Symbol.asyncDispose]() {
      for (const context of contexts) await context.close();
      await cutProxy();
      await gateway[Symbol.asyncDispose]();
      await sandbox.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function serve(target: string, port: number): Promise<PreviewServer> {
  const proxy = { '/graphql': { target, ws: true } };
  return preview({
    configFile,
    logLevel: 'silent',
    build: { outDir },
    preview: { host: '127.0.0.1', port, strictPort: true, proxy },
  });
}

export interface Typed {
  readonly meter?: string;
  readonly amount?: string;
  readonly phone?: string;
}

/** Fills the form in and has it checked. */
export async function check(
  page: Page,
  { meter = '04040404040', amount = '100', phone = '71436390' }: Typed = {},
) {
  await page.getByLabel('Meter number').fill(meter);
  await page.getByLabel('Amount').fill(amount);
  await page.getByLabel('Customer’s phone').fill(phone);
  await page.getByRole('button', { name: 'Check' }).click();
}

export const buyButton = (page: Page) => page.getByRole('button', { name: /^Buy for/ });
export const heading = (page: Page, name: string) =>
  page.getByRole('heading', { name, level: 2, exact: true });
export const tokenOn = (page: Page) => page.locator('.groups');

/** What axe finds that keeps people out. */
export async function expectAccessible(page: Page, where: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(
    grave.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]),
    where,
  ).toEqual([]);
}
