import { mkdir } from 'node:fs/promises';

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { chromiumPath } from '../support/chromium.ts';
import {
  buildCounter,
  buyButton,
  check,
  desktop,
  expectAccessible,
  heading,
  launchBrowser,
  phone,
  startCounter,
  tokenOn,
  type Counter,
} from '../support/counter.ts';
import { until } from '../support/stack.ts';

if (chromiumPath === undefined) {
  const remedy = 'Install Chromium (Debian: apt-get install chromium) or set CHROMIUM_PATH.';
  if (process.env['CI'] !== undefined) throw new Error(`No browser for the example's test. ${remedy}`);
  process.stderr.write(`SKIPPED: the example's test needs a browser. ${remedy}\n`);
}

describe.skipIf(chromiumPath === undefined)('the shop counter', { timeout: 90_000 }, () => {
  let counter: Counter;
  let browser: Browser;
  beforeAll(async () => {
    await buildCounter();
    await mkdir('test-results', { recursive: true });
    [counter, browser] = await Promise.all([
      startCounter({ sandbox: { processingMs: 250 }, env: { RECONCILE_GIVE_UP_AFTER_MS: '60000' } }),
      launchBrowser(),
    ]);
  });
  afterAll(async () => {
    await browser.close();
    await counter[Symbol.asyncDispose]();
  });
  beforeEach(() => counter.sandbox.clearFaults());

  const boughtSince = (before: number) => counter.sandbox.ledger.slice(before);
  const token = (before: number) => boughtSince(before)[0]?.tokens[0]?.replaceAll(/\D/g, '') ?? 'none';

  it.each([
    ['a phone', phone],
    ['a desktop', desktop],
  ])('sells electricity on %s, from the meter to the printed token', async (name, viewport) => {
    const before = counter.sandbox.ledger.length;
    const { page, outside, errors } = await counter.open(browser, viewport);
    const shot = (step: string) =>
      page.screenshot({ path: `test-results/counter-${name.split(' ')[1] ?? ''}-${step}.png` });
    const meter = page.getByLabel('Meter number');
    await meter.fill('0404040404012345');
    await expectTold(page, 'Meter number', 'Too long: 16 digits, at most 13 are allowed.');
    await meter.fill('040404');
    await expectNotTold(page, 'Too short');
    await meter.blur();
    await expectTold(page, 'Meter number', 'Too short: 6 digits, at least 11 are needed.');
    await meter.fill('0404040404x');
    await expectTold(page, 'Meter number', 'Not written as it should be.');
    await expectAccessible(page, 'the form with a fault');
    await shot('form');
    await meter.fill('0404 0404 040');
    await page.getByText('Written correctly').waitFor();
    await page.getByText('Balance: P').waitFor();
    await expectAccessible(page, 'the form');

    await check(page, { meter: '0404 0404 040' });
    await heading(page, 'Is this right?').waitFor();
    for (const told of ['K. MOTHIBI', 'PLOT 50370, GABORONE', 'P 100.00', 'P 2.50', 'P 102.50'])
      expect(await plain(page)).toContain(told);
    await expectAccessible(page, 'the offer');
    await shot('offer');
    expect(boughtSince(before)).toEqual([]);

    await buyButton(page).click();
    await heading(page, 'Bought').waitFor();
    expect(await tokenOn(page).innerText()).toMatch(/^\d{4} \d{4} \d{4} \d{4} \d{4}$/);
    expect((await tokenOn(page).innerText()).replaceAll(' ', '')).toBe(token(before));
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByText('Copied').waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(token(before));
    const row = page.getByRole('listitem').filter({ hasText: '04040404040' }).first();
    expect(await row.innerText()).toMatch(/P\s100\.00/);
    await expectAccessible(page, 'the receipt');
    await shot('bought');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(viewport.width);

    await page.emulateMedia({ media: 'print' });
    expect(await tokenOn(page).isVisible()).toBe(true);
    expect(await page.getByText('Sandbox Stores · Receipt').isVisible()).toBe(true);
    for (const hidden of ['Today’s purchases', 'Print receipt', 'Live', 'Setswana'])
      expect(await page.getByText(hidden).first().isVisible()).toBe(false);
    await shot('printed');
    await page.emulateMedia({ media: 'screen' });

    await page.getByRole('button', { name: 'New purchase' }).click();
    expect(await meter.inputValue()).toBe('');
    expect(await keptIntents(page)).toBe(0);
    expect(boughtSince(before)).toHaveLength(1);
    expect([outside, errors]).toEqual([[], []]);
  });

  it('is sold to with the keyboard alone, and says where it stands', async () => {
    const before = counter.sandbox.ledger.length;
    const { page } = await counter.open(browser);
    await page.getByLabel('Meter number').waitFor();
    const focused = () =>
      page.evaluate(
        () => document.activeElement?.getAttribute('name') ?? document.activeElement?.textContent,
      );
    for (let n = 0; n < 12 && (await focused()) !== 'identifier'; n += 1) await page.keyboard.press('Tab');
    await page.keyboard.type('04040404040');
    await page.keyboard.press('Tab');
    await page.keyboard.type('lots');
    await page.keyboard.press('Tab');
    await page.keyboard.type('71436390');
    await page.keyboard.press('Enter');
    // What is wrong takes the focus.
    expect(await focused()).toBe('amount');
    await expectTold(page, 'Amount', 'Write an amount such as 100 or 49.50.');
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('100');
    await page.keyboard.press('Enter');
    await heading(page, 'Is this right?').waitFor();
    expect(await focused()).toBe('Is this right?');
    await page.keyboard.press('Tab');
    expect(await focused()).toMatch(/^Buy for/);
    await page.keyboard.press('Enter');
    await heading(page, 'Bought').waitFor();
    expect(boughtSince(before)).toHaveLength(1);
  });

  it('speaks Setswana, also after a reload, and asks for its sentences', async () => {
    const { page } = await counter.open(browser, phone);
    await page.getByRole('button', { name: 'Setswana' }).click();
    await page.getByRole('heading', { name: 'Theko e ntšhwa' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Theko e ntšhwa' }).waitFor();
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('tn');
    await page.getByLabel('Nomoro ya mitara').fill('04040404040');
    await page.getByLabel('Madi', { exact: true }).fill('100');
    await page.getByLabel('Mogala wa moreki').fill('71436390');
    await page.getByRole('button', { name: 'Tlhola' }).click();
    await page.getByRole('button', { name: /^Reka ka/ }).click();
    await page.getByRole('heading', { name: 'Go rekilwe' }).waitFor();
    await expectAccessible(page, 'the receipt in Setswana');
    await page.screenshot({ path: 'test-results/counter-setswana.png' });
    const confirm = counter.sandbox.calls.findLast(({ endpoint }) => endpoint === 'confirm');
    expect(JSON.stringify(confirm)).toContain('tn-BW');
  });

  it('shows a refusal beside the field it is about, in the upstream’s words', async () => {
    const before = counter.sandbox.ledger.length;
    const { page } = await counter.open(browser, phone);
    await check(page, { meter: '04040404081' });
    await expectTold(page, 'Meter number', 'This meter is blocked. Please contact your provider.');
    await expectAccessible(page, 'a refused meter');
    await page.screenshot({ path: 'test-results/counter-refused.png' });
    await check(page, { meter: '04040404461', amount: '1000' });
    await expectTold(page, 'Amount', 'The amount is too low: this meter has a fixed charge of BWP 1000.00.');
    await expectNotTold(page, 'This meter is blocked');
    await page.getByLabel('Pay from').selectOption({ label: 'Test Top-up Account' });
    await page.getByText('Balance: P 0.00').waitFor();
    await check(page);
    await buyButton(page).click();
    await heading(page, 'Not bought').waitFor();
    await page.getByRole('button', { name: 'Change the details' }).click();
    await expectTold(page, 'Pay from', 'There is not enough money in the account.');
    expect(await page.getByLabel('Meter number').inputValue()).toBe('04040404040');
    expect(boughtSince(before)).toEqual([]);
  });

  it('offers to try again what may be tried again', async () => {
    const before = counter.sandbox.ledger.length;
    const { page } = await counter.open(browser);
    await page.getByLabel('Meter number').waitFor();
    const unavailable = {
      status: 503,
      type: 'api_error',
      code: 'temporarily_down',
      retryable: true,
    } as const;
    counter.sandbox.addFault({
      endpoint: 'validate',
      kind: 'error',
      message: 'Down for a moment.',
      ...unavailable,
    });
    await check(page);
    await page.getByText('Down for a moment.').waitFor();
    await page.getByRole('button', { name: 'Try again' }).click();
    await heading(page, 'Is this right?').waitFor();
    counter.sandbox.addFault({ endpoint: 'confirm', kind: 'failed' });
    await buyButton(page).click();
    await heading(page, 'Not bought').waitFor();
    // The gateway's sentence ends with it; it is said once.
    expect((await plain(page)).match(/nothing was charged/gi)).toHaveLength(1);
    expect(boughtSince(before)).toEqual([]);
    await expectAccessible(page, 'a failed purchase');
    await page.getByRole('button', { name: 'Try again' }).click();
    await heading(page, 'Bought').waitFor();
    expect(boughtSince(before)).toHaveLength(1);
    expect((await tokenOn(page).innerText()).replaceAll(' ', '')).toBe(token(before));
  });

  it('is pressed once, however often it is pressed', async () => {
    const before = counter.sandbox.ledger.length;
    const { page } = await counter.open(browser);
    const asked: string[] = [];
    page.on('request', (request) => {
      if (request.postData()?.includes('confirmPurchase') === true) asked.push(request.postData() ?? '');
    });
    await check(page);
    await buyButton(page).evaluate((button: HTMLElement) => {
      for (let n = 0; n < 5; n += 1) button.click();
    });
    await heading(page, 'Bought').waitFor();
    expect(new Set(asked.map((body) => /"idempotencyKey":"([^"]+)"/.exec(body)?.[1])).size).toBe(1);
    expect(boughtSince(before)).toHaveLength(1);
  });

  it('shows what was bought, and no other customer’s token, when the button is tapped twice', async () => {
    const { page } = await counter.open(browser, phone);
    for (const gap of [150, 400]) {
      const before = counter.sandbox.ledger.length;
      await check(page);
      const box = await buyButton(page).boundingBox();
      if (box === null) throw new Error('there is no button to buy');
      const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
      await page.mouse.click(x, y);
      await page.waitForTimeout(gap);
      await page.mouse.click(x, y);
      await heading(page, 'Bought').waitFor();
      expect(boughtSince(before)).toHaveLength(1);
      expect((await tokenOn(page).innerText()).replaceAll(' ', ''), `${gap} ms`).toBe(token(before));
      await page.getByRole('button', { name: 'New purchase' }).click();
    }
  });

  it('says that it is finding out, lets the next customer be served, and brings the token by itself', async () => {
    const before = counter.sandbox.ledger.length;
    const { page } = await counter.open(browser, phone);
    await page.getByLabel('Meter number').waitFor();
    counter.sandbox.addFault({ endpoint: 'confirm', kind: 'drop_after' });
    // Nothing certain, and nothing that makes the upstream look gone.
    const undecided = { status: 409, type: 'conflict_error', code: 'busy', message: 'Busy.' } as const;
    counter.sandbox.addFault({ endpoint: 'retry', kind: 'error', count: null, ...undecided });
    await check(page);
    await buyButton(page).click();
    await heading(page, 'We are finding out').waitFor();
    expect(await buyButton(page).count()).toBe(0);
    expect(await plain(page)).toContain('Do not buy again');
    await expectAccessible(page, 'an unresolved purchase');
    await page.screenshot({ path: 'test-results/counter-unresolved.png' });
    await page.getByRole('button', { name: 'Ask again now' }).click();
    await page.getByRole('button', { name: 'Ask again now' }).waitFor();
    await page.reload();
    await heading(page, 'We are finding out').waitFor();

    await page.getByRole('button', { name: 'Serve the next customer' }).click();
    await check(page);
    await page.getByText('is still open').waitFor();
    expect(await buyButton(page).isDisabled()).toBe(true);
    await expectAccessible(page, 'an offer beside an open purchase');
    await page.getByLabel('The customer wants two').check();
    expect(await buyButton(page).isDisabled()).toBe(false);
    await page.getByRole('button', { name: 'Change' }).click();

    await page.getByRole('listitem').filter({ hasText: 'Finding out' }).getByRole('button').click();
    await heading(page, 'We are finding out').waitFor();
    counter.sandbox.clearFaults();
    await heading(page, 'Bought').waitFor();
    expect((await tokenOn(page).innerText()).replaceAll(' ', '')).toBe(token(before));
    expect(boughtSince(before)).toHaveLength(1);
    await page.getByRole('button', { name: 'New purchase' }).click();
    expect(await keptIntents(page)).toBe(0);
  });

  it('goes on after a reload in mid-purchase: the same key, one purchase, its token', async () => {
    const before = counter.sandbox.ledger.length;
    const { page } = await counter.open(browser);
    await check(page);
    counter.sandbox.addFault({ endpoint: 'confirm', kind: 'delay_before', delayMs: 1_500 });
    await buyButton(page).click();
    await page.reload();
    await heading(page, 'Buying…').waitFor();
    await page.reload();
    await heading(page, 'Bought').waitFor();
    expect((await tokenOn(page).innerText()).replaceAll(' ', '')).toBe(token(before));
    expect(boughtSince(before)).toHaveLength(1);
  });

  it('sends the very same again when the answer to the confirm is lost', async () => {
    const before = counter.sandbox.ledger.length;
    const { page } = await counter.open(browser);
    const keys: (string | undefined)[] = [];
    await page.route('**/graphql', async (route) => {
      const body = route.request().postData() ?? '';
      if (!body.includes('confirmPurchase')) return route.continue();
      keys.push(/"idempotencyKey":"([^"]+)"/.exec(body)?.[1]);
      if (keys.length > 2) return route.continue();
      // It has arrived; the answer does not.
      await route.fetch();
      return route.abort('connectionreset');
    });
    await check(page);
    await buyButton(page).click();
    await heading(page, 'Bought').waitFor();
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(boughtSince(before)).toHaveLength(1);
    expect((await tokenOn(page).innerText()).replaceAll(' ', '')).toBe(token(before));
  });

  it('hears after a lost connection of what was bought meanwhile, from its cursor on and each once', async () => {
    const { page, sent, received } = await counter.open(browser);
    await check(page);
    await buyButton(page).click();
    await heading(page, 'Bought').waitFor();
    const events = () => received.filter((frame) => frame.includes('"purchaseEvents"')).map(cursorIn);
    await until(() => events().length === 2, 'both events');
    const last = events().at(-1);

    await counter.cutProxy();
    await page.getByText('Reconnecting…').waitFor();
    const bought = await counter.graphql(BUY, { key: `meanwhile-${Date.now()}` });
    expect(bought.errors).toBeUndefined();
    await counter.joinProxy();
    await page.getByRole('listitem').filter({ hasText: '0404040404000' }).first().waitFor();
    await until(() => events().length === 4, 'the two missed events');
    expect(new Set(events()).size).toBe(4);
    const resumed = sent.filter((frame) => frame.includes('subscription PurchaseEvents')).at(-1) ?? '';
    expect(JSON.parse(resumed).payload.variables.after).toBe(last);
  });

  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'buys once and shows the token when the gateway is restarted in mid-purchase (%s)',
    async (signal) => {
      const before = counter.sandbox.ledger.length;
      const { page } = await counter.open(browser, phone);
      await check(page);
      counter.sandbox.addFault({ endpoint: 'confirm', kind: 'delay_after', delayMs: 1_500 });
      await buyButton(page).click();
      await until(() => boughtSince(before).length === 1, 'the debit');
      await counter.killGateway(signal);
      await page.getByText('Reconnecting…').waitFor();
      await page.reload();
      await counter.startGateway();
      await heading(page, 'Bought').waitFor({ timeout: 30_000 });
      expect((await tokenOn(page).innerText()).replaceAll(' ', '')).toBe(token(before));
      expect(boughtSince(before)).toHaveLength(1);
    },
  );

  it('waits for a gateway that is gone when the button is pressed, and buys once when it is back', async () => {
    const before = counter.sandbox.ledger.length;
    const { page } = await counter.open(browser);
    await check(page);
    await heading(page, 'Is this right?').waitFor();
    await counter.killGateway('SIGKILL');
    await buyButton(page).click();
    await heading(page, 'Buying…').waitFor();
    await counter.startGateway();
    await heading(page, 'Bought').waitFor({ timeout: 30_000 });
    expect(boughtSince(before)).toHaveLength(1);
    expect((await tokenOn(page).innerText()).replaceAll(' ', '')).toBe(token(before));
  });

  it('asks for a person when it could not be found out, and can still be asked again', async () => {
    await using impatient = await startCounter({ env: { RECONCILE_GIVE_UP_AFTER_MS: '300' } });
    const { page } = await impatient.open(browser, phone);
    await page.getByLabel('Meter number').waitFor();
    const undecided = { status: 409, type: 'conflict_error', code: 'busy', message: 'Busy.' } as const;
    impatient.sandbox.addFault({ endpoint: 'confirm', kind: 'drop_after' });
    impatient.sandbox.addFault({ endpoint: 'retry', kind: 'error', count: null, ...undecided });
    // Its key is changed: two tokens to be keyed in before the one that was bought.
    await check(page, { meter: '04040404198', amount: '2000' });
    await buyButton(page).click();
    await heading(page, 'Somebody must look into this').waitFor();
    expect(await plain(page)).toMatch(/Reference: GW-/);
    expect(await buyButton(page).count()).toBe(0);
    await expectAccessible(page, 'a purchase that needs attention');
    await page.screenshot({ path: 'test-results/counter-attention.png' });
    impatient.sandbox.clearFaults();
    await page.getByRole('button', { name: 'Ask again now' }).click();
    await heading(page, 'Bought').waitFor();
    const labels = await page.locator('.token .label').allInnerTexts();
    expect(labels).toEqual(['Key change 1: key this in first', 'Key change 2: key this in first', 'Token']);
    const tokens = await tokenOn(page).allInnerTexts();
    const debited = impatient.sandbox.ledger.map((entry) =>
      entry.tokens.map((one) => one.replaceAll(/\D/g, '')),
    );
    expect([tokens.map((one) => one.replaceAll(' ', ''))]).toEqual(debited);
    await page.screenshot({ path: 'test-results/counter-key-change.png' });
  });
});

const BUY = `mutation Buy($key: String!) { confirmPurchase(input: { idempotencyKey: $key, from: { details: {
  productType: ELECTRICITY, providerCode: "BPC", accountId: "QWNjb3VudDoxMzIwOQ==", subscriberIdentifier: "0404040404000",
  beneficiaryPhoneNumber: "+26771436390", amount: { amount: "100.00", currency: "BWP" } } } }) { __typename } }`;

const cursorIn = (frame: string) => /"cursor":"([^"]+)"/.exec(frame)?.[1];

/** The page's text with plain spaces: amounts have one that does not break. */
const plain = async (page: Page) => (await page.locator('body').innerText()).replaceAll('\u00a0', ' ');

const keptIntents = (page: Page) =>
  page.evaluate(() => Object.keys(localStorage).filter((name) => name.startsWith('counter.intent.')).length);

/** The sentence belongs to the field: a screen reader tells it there. */
async function expectTold(page: Page, label: string, sentence: string): Promise<void> {
  await page.getByText(sentence).first().waitFor();
  const field = page.getByLabel(label);
  const ids = (await field.getAttribute('aria-describedby')) ?? '';
  const told = await page.evaluate(
    (all) =>
      all
        .split(' ')
        .map((id) => document.getElementById(id)?.textContent)
        .join(' '),
    ids,
  );
  expect(told).toContain(sentence);
}

async function expectNotTold(page: Page, sentence: string): Promise<void> {
  expect(await plain(page)).not.toContain(sentence);
}
