import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { Browser, Page, Route } from 'playwright-core';
import { createServer, type ProxyOptions, type ViteDevServer } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { findProblemCodes } from '../../scripts/find-problem-codes.ts';
import { startSandbox, type Sandbox } from '../../sandbox/sandbox.ts';
import { testSubscribers } from '../../sandbox/meters.ts';
import { problemTypes } from '../../src/purchases/problem.ts';
import { chromiumPath } from '../support/chromium.ts';
import { launchBrowser } from '../support/counter.ts';
import { freePort, startGatewayProcess, type GatewayProcess } from '../support/process.ts';
import {
  confirm,
  electricity,
  environment,
  graphqlCaller,
  temporaryFolder,
  until,
  walletId,
  type GraphQLCaller,
} from '../support/stack.ts';

const run = promisify(execFile);
const folder = 'docs/frontend';
/** Beside node_modules, so that the blocks find what they import. */
const app = join(process.cwd(), 'test-results/docs-frontend');

interface Block {
  readonly page: string;
  readonly language: string;
  readonly code: string;
}

const pages = (await readdir(folder)).sort();
const blocks = (
  await Promise.all(
    pages.map(async (page): Promise<Block[]> => {
      const text = await readFile(join(folder, page), 'utf8');
      return [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language = '', code = '']) => ({
        page,
        language,
        code,
      }));
    }),
  )
).flat();
const modules = blocks.filter(({ language }) => language === 'ts' || language === 'tsx');
const nameOf = ({ page, code }: Block) => {
  const name = /^\/\/ ([\w-]+\.tsx?)\n/.exec(code)?.[1];
  if (name === undefined) throw new Error(`a block of ${page} does not begin with its file’s name`);
  return name;
};

let sandbox: Sandbox;
let gateway: GatewayProcess;
let graphql: GraphQLCaller;
let restart: () => Promise<void>;
let record: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  sandbox = await startSandbox();
  record = await temporaryFolder();
  const env = {
    ...environment(sandbox, join(record.path, 'gateway.db')),
    PORT: `${await freePort()}`,
    LOG_LEVEL: 'info',
  };
  gateway = await startGatewayProcess(env);
  graphql = graphqlCaller(gateway.url);
  restart = async () => {
    await gateway.kill('SIGTERM');
    gateway = await startGatewayProcess(env);
  };
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await sandbox.close();
  await record[Symbol.asyncDispose]();
});

describe('docs/frontend', () => {
  it('has only blocks that are run here', () => {
    expect(blocks.length).toBeGreaterThan(20);
    const known = ['graphql', 'json', 'sh', 'ts', 'tsx'];
    expect(blocks.filter(({ language }) => !known.includes(language))).toEqual([]);
  });

  it('shows GraphQL that works as it stands', async () => {
    const operations = blocks.filter(({ language }) => language === 'graphql');
    expect(operations.length).toBeGreaterThan(3);
    for (const operation of operations) {
      const next = blocks[blocks.indexOf(operation) + 1];
      const variables = next?.language === 'json' ? (JSON.parse(next.code) as object) : {};
      const { data, errors } = await graphql(operation.code, variables);
      expect(errors, operation.code).toBeUndefined();
      expect(data).toBeDefined();
      // Twice the same is one purchase.
      if (operation.code.includes('again:')) expect(data?.['again']).toEqual(data?.['first']);
    }
  });

  it('shows commands that work as they stand', async () => {
    const details = await electricity(graphql);
    const { id } = await confirm(graphql, { idempotencyKey: 'for-the-commands', from: { details } });
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: object };
    const lines = blocks.flatMap(({ language, code }) => (language === 'sh' ? code.trim().split('\n') : []));
    expect(lines.length).toBeGreaterThan(8);
    for (const line of lines) {
      if (line.startsWith('npm ')) {
        const named = [...line.matchAll(/npm (?:run )?([\w-]+)/g)].map(([, name = '']) => name);
        for (const name of named) expect(['ci', ...Object.keys(scripts)], line).toContain(name);
        continue;
      }
      const here = line
        .replace('http://127.0.0.1:4000', gateway.url)
        .replace('http://127.0.0.1:4010', sandbox.url)
        .replace('PURCHASE_ID', String(id));
      const { stdout } = await run('bash', ['-c', `${here} --fail-with-body`]);
      expect(stdout, line).not.toContain('"errors"');
      if (line.includes('purchaseUpdated')) expect(stdout).toContain('"SUCCEEDED"');
      if (line.includes('products')) expect(stdout).toContain('ELECTRICITY');
    }
    expect(sandbox.faults).toEqual([]);
  });

  it(
    'tells what to do for every code that the source can give, and for no other',
    { timeout: 120_000 },
    async () => {
      const { codes, handedOn } = findProblemCodes('tsconfig.json');
      const page = readFileSync(`${folder}/errors.md`, 'utf8');
      const rowsIn = (part: string | undefined) =>
        [...(part ?? '').matchAll(/^\| `(\w+)` *\|(.*)\|$/gm)].map(([, code = '', rest = '']) => ({
          code,
          cells: rest.split('|').map((cell) => cell.trim()),
        }));
      const [own, upstream] = page.split('<!-- codes: end -->');
      const told = rowsIn(own?.split('<!-- codes: begin -->')[1]);
      expect(told.map(({ code }) => code)).toEqual(codes.map(({ code }) => code));
      const typesOf = (types: readonly string[]) =>
        types.length === problemTypes.length ? 'any' : types.join(', ');
      expect(told.map(({ cells }) => cells[0])).toEqual(codes.map(({ types }) => typesOf(types)));
      expect(told.map(({ cells }) => cells[1])).toEqual(codes.map(({ retryable }) => retryable));
      for (const { code, cells } of told) expect(cells[2], code).toMatch(/^[A-Z`].{10,}\.$/);
      // Elsewhere a code is the source's own: a new place that hands one on is to be looked at.
      expect(handedOn).toEqual([
        'src/datasources/current/wire.ts',
        'src/datasources/failure.ts',
        'src/datasources/session.ts',
        'src/datasources/v1/wire.ts',
      ]);
      const refusals = testSubscribers.flatMap(({ refusal }) =>
        refusal === undefined ? [] : [refusal.code],
      );
      const handed = rowsIn(upstream).map(({ code }) => code);
      expect(handed).toEqual(expect.arrayContaining(refusals));
      const source = (
        await Promise.all(['meters', 'ledger'].map((name) => readFile(`sandbox/${name}.ts`, 'utf8')))
      ).join();
      for (const code of handed) expect(source).toContain(`'${code}'`);
    },
  );
});

describe('docs/frontend/errors.md', () => {
  const [, table = ''] = /<!-- errors: begin -->([^]*)<!-- errors: end -->/.exec(
    readFileSync(`${folder}/errors.md`, 'utf8'),
  ) ?? ['', ''];
  const rows = [...table.matchAll(/^\| (`.*?) *\| (.*?) *\|/gm)].flatMap(([, codes = '', status = '']) =>
    [...codes.matchAll(/`(\w+)`/g)].map(([, code = '']) => ({ code, statuses: status.match(/\d+/g) ?? [] })),
  );

  it('tells every code of an error that the source can give', async () => {
    const told = rows.map(({ code }) => code);
    expect(told).toEqual(expect.arrayContaining([...problemTypes]));
    for (const path of await readdir('src', { recursive: true })) {
      if (!path.endsWith('.ts') || !/^(http|schema)/.test(path)) continue;
      const source = await readFile(join('src', path), 'utf8');
      for (const [, code] of source.matchAll(/(?:code: |refusal\(\s*|sendError\([^']*)'([A-Z_]+)'/g))
        expect(told, path).toContain(code);
    }
  });

  it.each<[code: string, body: object | string]>([
    ['GRAPHQL_PARSE_FAILED', { query: '{' }],
    ['GRAPHQL_VALIDATION_FAILED', { query: '{ nothing }' }],
    ['OPERATION_RESOLUTION_FAILURE', { query: 'query A { __typename } query B { __typename }' }],
    ['BAD_USER_INPUT', { query: 'query ($id: ID!) { node(id: $id) { id } }' }],
    ['OPERATION_TOO_COMPLEX', { query: `{ ${'a: __typename '.repeat(31)} }` }],
    ['BAD_REQUEST', {}],
    ['BAD_REQUEST', '{'],
    ['BODY_TOO_LARGE', { query: ' '.repeat(100_001) }],
    ['PERSISTED_QUERY_NOT_SUPPORTED', { documentId: 'one' }],
    ['INVALID_INPUT', { query: '{ purchases(after: "nothing") { edges { cursor } } }' }],
  ])('tells the status of %s', async (code, body) => {
    const { statuses = [] } = rows.find((row) => row.code === code) ?? {};
    const given: string[] = [];
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const answer = await fetch(`${gateway.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
      expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code } }] });
      given.push(String(answer.status));
    }
    expect(statuses).toEqual(expect.arrayContaining(given));
  });
});

describe('the TypeScript of docs/frontend', () => {
  beforeAll(async () => {
    await rm(app, { recursive: true, force: true });
    await mkdir(app, { recursive: true });
    for (const block of modules) await writeFile(join(app, nameOf(block)), block.code);
    const names = modules.map(nameOf);
    const plain = names.map((name) => `import * as m${names.indexOf(name)} from './${name}';`).join('\n');
    await writeFile(join(app, 'harness.tsx'), harness(plain, names));
    await writeFile(
      join(app, 'index.html'),
      '<div id="root"></div><script type="module" src="/harness.tsx"></script>',
    );
    const tsconfig = { extends: '../../examples/counter/tsconfig.json', include: ['*.ts', '*.tsx'] };
    await writeFile(join(app, 'tsconfig.json'), JSON.stringify(tsconfig));
  });

  it('compiles as strictly as our own', { timeout: 120_000 }, async () => {
    expect(modules.length).toBeGreaterThan(10);
    const { stdout } = await run(process.execPath, [
      'node_modules/typescript/bin/tsc',
      '-p',
      app,
      '--noEmit',
    ]).catch((error: unknown) => error as { stdout: string });
    expect(stdout).toBe('');
  });

  describe.skipIf(chromiumPath === undefined)('in a browser', { timeout: 90_000 }, () => {
    let browser: Browser;
    let server: ViteDevServer;
    let page: Page;
    const errors: string[] = [];
    const texts = async (selector: string) =>
      (await page.locator(selector).allInnerTexts()).map((text) => text.trim());
    const buyOne = async (key: string) =>
      confirm(graphql, { idempotencyKey: key, from: { details: await electricity(graphql) } });

    beforeAll(async () => {
      server = await createServer({
        configFile: false,
        root: app,
        cacheDir: join(app, '.vite'),
        logLevel: 'silent',
        optimizeDeps: {
          include: ['react', 'react-dom/client', 'react/jsx-dev-runtime', 'urql', 'graphql-ws'],
        },
        server: {
          host: '127.0.0.1',
          port: await freePort(),
          proxy: { '/graphql': { target: gateway.url, ws: true, configure: cutOffWithTarget } },
        },
      });
      await server.listen();
      browser = await launchBrowser();
      page = await browser.newPage();
      page.on('pageerror', (error) => errors.push(error.message));
      await page.goto(server.resolvedUrls?.local[0] ?? '');
      await page.waitForFunction('globalThis.docs !== undefined');
    });
    afterAll(async () => {
      await browser.close();
      await server.close();
    });

    it('checks, quotes, buys once and watches', async () => {
      const account = await walletId(graphql);
      const format = { minLength: 11, maxLength: 13, pattern: '^[0-9]+$' };
      const fits = (typed: string) => page.evaluate(`docs.fits(${JSON.stringify(format)}, '${typed}')`);
      expect([await fits('04040404040'), await fits('0404'), await fits('0404040404x')]).toEqual([
        true,
        false,
        false,
      ]);
      const quote = await page.evaluate<any>(`docs.quoteFor('04040404040', '${account}')`);
      expect(quote).toMatchObject({ __typename: 'Quote', subscriber: { name: 'K. MOTHIBI' } });
      expect(await page.evaluate(`docs.quoteFor('04040404081', '${account}')`)).toMatchObject({
        code: 'meter_blocked',
      });
      const before = sandbox.ledger.length;
      const bought = await page.evaluate<any>(`docs.buy('${quote.id}')`);
      expect(await page.evaluate<any>(`docs.buy('${quote.id}')`)).toMatchObject({ id: bought.id });
      const watched = await page.evaluate<any>(
        `new Promise((done) => docs.watch('${bought.id}', (one) => one.status === 'SUCCEEDED' && done(one), done))`,
      );
      expect(sandbox.ledger).toHaveLength(before + 1);
      await page.evaluate(`docs.mount(docs.Watch, { id: '${bought.id}' })`);
      await page.getByText(watched.tokens[0].formatted).waitFor();
    });

    it('sends again what was lost, with the same key, and throws what would be answered for ever', async () => {
      const quote = await page.evaluate<any>(`docs.quoteFor('04040404040', '${await walletId(graphql)}')`);
      const refused = { message: 'Not you.', extensions: { code: 'FORBIDDEN' } };
      const answers: ((route: Route) => Promise<void>)[] = [
        (route) => route.fulfill({ status: 401, json: { errors: [{ message: 'Who are you?' }] } }),
        (route) => route.fulfill({ json: { data: null, errors: [refused] } }),
        (route) => route.abort(),
        (route) => route.fulfill({ status: 502, headers: { 'retry-after': '1' }, body: '<html>' }),
        (route) => route.fulfill({ status: 429, headers: { 'retry-after': '1' }, json: {} }),
        (route) =>
          route.fulfill({ json: { errors: [{ message: 'Busy.', extensions: { retryable: true } }] } }),
        (route) => route.continue(),
      ];
      const keys = new Set<string>();
      await page.route('**/graphql', async (route) => {
        keys.add(/"idempotencyKey":"([^"]+)"/.exec(route.request().postData() ?? '')?.[1] ?? '');
        await answers.shift()?.(route);
      });
      const before = sandbox.ledger.length;
      const buy = `docs.buy('${quote.id}')`;
      await expect(page.evaluate(buy)).rejects.toThrow('Who are you?');
      await expect(page.evaluate(buy)).rejects.toThrow('Not you.');
      expect(await page.evaluate<any>(buy)).toMatchObject({ __typename: 'Purchase' });
      await page.unroute('**/graphql');
      expect(answers).toEqual([]);
      expect(keys.size).toBe(1);
      await until(() => sandbox.ledger.length > before, 'a debit');
      expect(sandbox.ledger).toHaveLength(before + 1);
    });

    it('sends a fresh token with each request and each connection', async () => {
      const sent = page.waitForRequest((request) => request.url().endsWith('/graphql'));
      await page.evaluate(`globalThis.authenticated = docs.authenticatedClient(async () => 'fresh')`);
      const { data } = await page.evaluate<any>(
        `authenticated.query('{ viewer { scopes } }', {}).toPromise().then(({ data }) => ({ data }))`,
      );
      expect(data.viewer.scopes).toContain('tokens:read');
      expect(await (await sent).headerValue('authorization')).toBe('Bearer fresh');
      const opened = page.waitForEvent('websocket');
      await page.evaluate(
        `authenticated.subscription('subscription { purchaseEvents { status } }', {}).subscribe(() => undefined).unsubscribe`,
      );
      const frame = await (await opened).waitForEvent('framesent');
      expect(frame.payload).toContain('"authorization":"Bearer fresh"');
    });

    it('tries again what failed', async () => {
      sandbox.addFault({ endpoint: 'confirm', kind: 'failed' });
      const failed = await buyOne('to-be-tried-again');
      expect(failed['status']).toBe('FAILED');
      await page.evaluate(`docs.mount(docs.Watch, { id: '${String(failed['id'])}' })`);
      await page.getByText(/nothing was charged/i).waitFor();
      expect((await texts('[role=status]')).join().match(/nothing was charged/gi)).toHaveLength(1);
      await page.evaluate(`docs.mount(docs.TryAgain, { id: '${String(failed['id'])}' })`);
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.getByText('SUCCEEDED').waitFor();
    });

    it('follows every change across a restart of the gateway, each once', async () => {
      await page.evaluate('docs.mount(docs.LiveList, {})');
      await page.evaluate(
        'globalThis.followed = []; docs.follow((event) => followed.push(event), console.error)',
      );
      // They are there once the gateway has them; nothing on the page tells.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const first = await buyOne('before-the-restart');
      await until(() => sandbox.ledger.length > 0, 'a debit');
      await page.waitForFunction('followed.length === 2');
      await page.waitForFunction('document.querySelectorAll("li").length === 2');
      await restart();
      const second = await buyOne('after-the-restart');
      await page.waitForFunction('followed.length === 4', undefined, { timeout: 30_000 });
      await page.waitForFunction('document.querySelectorAll("li").length === 4', undefined, {
        timeout: 30_000,
      });
      const expected = [first, second].flatMap(({ reference }) => [
        `${reference} PENDING`,
        `${reference} SUCCEEDED`,
      ]);
      expect(await texts('li')).toEqual(expected);
      expect(
        await page.evaluate('followed.map(({ purchase, status }) => `${purchase.reference} ${status}`)'),
      ).toEqual(expected);
    });

    it('tells why it cannot watch or follow, and does not ask again for ever', async () => {
      const noSuch = Buffer.from('Purchase:nothing').toString('base64');
      const watching = `new Promise((_, failed) => docs.watch('${noSuch}', () => undefined, failed))`;
      await expect(page.evaluate(watching)).rejects.toThrow('There is no such purchase.');
      await page.evaluate(`docs.mount(docs.Watch, { id: '${noSuch}' })`);
      await page.getByRole('alert').getByText('There is no such purchase.').waitFor();
      let asked = 0;
      page.on('request', (request) => (asked += request.url().includes('purchaseEvents') ? 1 : 0));
      const followed = await page.evaluate<string[]>(
        `new Promise((ended) => docs.follow(() => undefined, (...why) => ended(why), 'no-cursor'))`,
      );
      expect(followed).toEqual([expect.stringContaining('after is no cursor'), 'invalid_argument']);
      // Longer than a lost connection waits.
      await page.waitForTimeout(1_500);
      expect(asked).toBe(1);
      const refused = { message: 'Not you.', extensions: { code: 'FORBIDDEN' } };
      await page.routeWebSocket('**/graphql', (socket) =>
        socket.onMessage((text) => {
          const { id } = JSON.parse(String(text)) as { id?: string };
          const answer = { id, type: 'error', payload: [refused] };
          socket.send(JSON.stringify(id === undefined ? { type: 'connection_ack' } : answer));
        }),
      );
      await page.evaluate('docs.mount(docs.LiveList, {})');
      await page.getByRole('alert').getByText('Not you.').waitFor();
      await page.route('**/graphql', (route) => route.fulfill({ json: { data: null, errors: [refused] } }));
      await page.evaluate('docs.mount(docs.PurchaseList, {})');
      await page.getByRole('alert').getByText('Not you.').waitFor();
      await page.unroute('**/graphql');
    });

    it('reads all pages, and one more at each press', async () => {
      for (const n of [1, 2, 3, 4, 5]) await buyOne(`a-page-${n}`);
      const all = await page.evaluate<string[]>(
        '(async () => { const all = []; for await (const one of docs.allPurchases()) all.push(one); return all; })()',
      );
      expect(all.length).toBeGreaterThan(4);
      expect(new Set(all).size).toBe(all.length);
      await page.evaluate('docs.mount(docs.PurchaseList, {})');
      for (let shown = 2; shown < all.length; shown += 2) {
        await page.waitForFunction(`document.querySelectorAll('li').length === ${shown}`);
        await page.getByRole('button', { name: 'Show more' }).click();
      }
      await page.waitForFunction(`document.querySelectorAll('li').length === ${all.length}`);
      expect((await texts('li')).map((text) => text.split(' ')[0])).toEqual(all);
      expect(errors).toEqual([]);
    });
  });
});

/** Vite's proxy keeps a page's event stream open when the gateway's has been cut off; nginx and its like do not. */
const cutOffWithTarget: NonNullable<ProxyOptions['configure']> = (proxy) =>
  void proxy.on('proxyRes', (answer, _request, response) => {
    answer.once('close', () => response.destroy());
  });

/** A page that has every export of the blocks, and mounts their components as the docs say. */
function harness(imports: string, names: readonly string[]): string {
  return `import { createElement, type ComponentType } from 'react';
import { createRoot } from 'react-dom/client';
import { Provider } from 'urql';
${imports}
import { client } from './client.ts';

const root = createRoot(document.querySelector('#root')!);
let mounted = 0;
const mount = <Props extends object>(component: ComponentType<Props>, props: Props) =>
  root.render(
    <Provider value={client} key={mounted++}>
      {createElement(component, props)}
    </Provider>,
  );
Object.assign(globalThis, { docs: { mount, ${names.map((_name, index) => `...m${index}`).join(', ')} } });
`;
}
