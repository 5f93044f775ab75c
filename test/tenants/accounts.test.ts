import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { onTheHappyMeter } from '../attack/harness.ts';
import { command } from '../support/operator.ts';
import {
  confirm,
  PURCHASE,
  retry,
  subscribe,
  until,
  validate,
  type GraphQLCaller,
} from '../support/stack.ts';
import { accountId, startTenants, type Tenants } from '../support/tenants.ts';

const WALLET = 13209;
const TOP_UP = 13211;
const RAND = 13212;
const details = (account: number, change = {}) => ({
  ...{ ...onTheHappyMeter, accountId: accountId(account) },
  ...change,
});
const buy = (graphql: GraphQLCaller, account: number, key: string = randomUUID(), change = {}) =>
  confirm(graphql, { idempotencyKey: key, from: { details: details(account, change) } });
const ACCOUNTS = '{ accounts { accountNumber } viewer { accounts { accountNumber } } }';
const LIST = `query ($filter: PurchaseFilter) { purchases(filter: $filter) { edges { node { id account { accountNumber } } } } }`;

describe('a caller of some accounts', () => {
  let tenants: Tenants;
  let whole: GraphQLCaller;
  let part: GraphQLCaller;
  beforeAll(async () => {
    tenants = await startTenants({ shop: { accounts: [WALLET, TOP_UP, RAND] } });
    whole = await tenants.as({ sub: 'whole' });
    // Of its own accounts one is not the integration's.
    part = await tenants.as({ sub: 'part', accounts: [TOP_UP, 13210] });
    for (const { ledger } of [tenants.sandboxes.shop]) expect(ledger).toEqual([]);
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  const numbers = async (graphql: GraphQLCaller) => {
    const { data } = await graphql(ACCOUNTS);
    const all: { accountNumber: number }[] = data?.['accounts'];
    expect(data?.['viewer'].accounts).toEqual(all);
    return all.map(({ accountNumber }) => accountNumber);
  };

  it('sees those of its own that are its integration’s too', async () => {
    expect(await numbers(whole)).toEqual([WALLET, TOP_UP, RAND]);
    expect(await numbers(part)).toEqual([TOP_UP]);
    const asked = `query ($ids: [ID!]!) { nodes(ids: $ids) { id } account(id: "${accountId(WALLET)}") { id } }`;
    const { data } = await part(asked, { ids: [WALLET, 13210, TOP_UP].map(accountId) });
    expect(data).toEqual({ nodes: [null, null, { id: accountId(TOP_UP) }], account: null });
  });

  it('cannot debit another: the very answer of an account that does not exist', async () => {
    const same = async (ask: (account: number) => Promise<unknown>) => {
      const answer = await ask(99_999);
      expect(await ask(WALLET)).toEqual(answer);
      expect(await ask(13210)).toEqual(answer);
      expect(JSON.stringify(answer)).toContain('There is no such account');
    };
    await same((account) => validate(part, details(account)));
    await same((account) => buy(part, account));
    expect(tenants.sandboxes.shop.ledger).toEqual([]);
    const quote = await validate(whole, details(WALLET));
    const key = randomUUID();
    const stolen = await confirm(part, { idempotencyKey: key, from: { quoteId: quote['id'] } });
    expect(stolen).toMatchObject({ __typename: 'Problem', code: 'quote_not_found' });
    const { data } = await part('query ($id: ID!) { node(id: $id) { id } }', { id: quote['id'] });
    expect(data).toEqual({ node: null });
  });

  it('sees no purchase, no event and no key of another', async () => {
    const live = subscribe(
      await tenants.socketAs({ accounts: [TOP_UP] }),
      'subscription { purchaseEvents { purchase { id } } }',
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    const key = randomUUID();
    const hidden = await buy(whole, WALLET, key);
    const own = await buy(whole, TOP_UP);
    const find = `query ($by: PurchaseBy!) { purchase(by: $by) { ...Everything } } ${PURCHASE}`;
    for (const by of [{ id: hidden['id'] }, { reference: hidden['reference'] }, { idempotencyKey: key }])
      expect((await part(find, { by })).data).toEqual({ purchase: null });
    expect((await part(find, { by: { id: own['id'] } })).data?.['purchase'].id).toBe(own['id']);
    const listed = async (filter: object = {}) => {
      const { data } = await part(LIST, { filter });
      return data?.['purchases'].edges.map(({ node }: any) => node.id);
    };
    expect(await listed()).toEqual([own['id']]);
    expect(await listed({ accountId: accountId(WALLET) })).toEqual([]);
    expect(await listed({ accountId: accountId(TOP_UP), status: ['SUCCEEDED', 'FAILED'] })).toEqual([
      own['id'],
    ]);
    expect(await listed({ subscriberIdentifier: onTheHappyMeter.subscriberIdentifier })).toEqual([own['id']]);
    expect(await retry(part, { id: hidden['id'] })).toMatchObject({ code: 'purchase_unknown' });
    // Its key is taken, and no more is told than that.
    expect(await buy(part, TOP_UP, key)).toMatchObject({ code: 'idempotency_key_reused' });
    expect(await buy(part, WALLET, key)).toMatchObject({ code: 'invalid_input' });
    const watched = subscribe(
      await tenants.socketAs({ accounts: [TOP_UP] }),
      'subscription ($id: ID!) { purchaseUpdated(id: $id) { id } }',
      { id: hidden['id'] },
    );
    await watched.done.catch(() => undefined);
    expect(JSON.stringify(watched.results)).toContain('purchase_unknown');
    await until(() => live.results.length >= 2, 'its own events');
    for (const { data } of live.results) expect(data?.['purchaseEvents'].purchase.id).toBe(own['id']);
    await live.stop();
  });

  it('a caller whose accounts are none of its integration’s has none at all', async () => {
    const nothing = await tenants.as({ accounts: [1] });
    expect(await numbers(nothing)).toEqual([]);
    expect((await nothing(LIST)).data?.['purchases'].edges).toEqual([]);
  });
});

describe('limits', () => {
  it('of one purchase: the smaller of the caller’s and the integration’s, at validate and at confirm', async () => {
    await using tenants = await startTenants({ shop: { limits: { perPurchase: '150' } } });
    const free = await tenants.as({ sub: 'free' });
    const tight = await tenants.as({ sub: 'tight', limits: { per_purchase: '99.99' } });
    const told = { __typename: 'Problem', type: 'PERMISSION', code: 'limit_per_purchase', retryable: false };
    expect(await buy(tight, WALLET)).toMatchObject({
      ...told,
      message: 'One purchase may be of BWP 99.99 at most.',
      fields: [{ field: 'from.details.amount.amount' }],
    });
    expect(await validate(tight, details(WALLET))).toMatchObject({
      ...told,
      fields: [{ field: 'amount.amount' }],
    });
    const quote = await validate(free, details(WALLET));
    const quoted = { idempotencyKey: randomUUID(), from: { quoteId: quote['id'] } };
    expect(await confirm(tight, quoted)).toMatchObject({ ...told, fields: [{ field: 'from.quoteId' }] });
    expect((await buy(free, WALLET))['status']).toBe('SUCCEEDED');
    const dear = { amount: { amount: '150.01', currency: 'BWP' } };
    expect(await buy(free, WALLET, randomUUID(), dear)).toMatchObject(told);
    expect(tenants.sandboxes.shop.ledger).toHaveLength(1);
    expect(
      (await buy(await tenants.as({ integration: 'kiosk' }), WALLET, randomUUID(), dear))['status'],
    ).toBe('SUCCEEDED');
  });

  it('of a day: fifty confirms at once debit no more than it allows, and are told what is left', async () => {
    await using tenants = await startTenants({
      shop: { limits: { perDay: '1500.00' } },
      // A machine that is busy with other things is not what is tested.
      env: { READ_TIMEOUT_MS: '15000', CONFIRM_TIMEOUT_MS: '15000' },
    });
    const callers = await Promise.all(
      ['one', 'two'].map((sub) => tenants.as({ sub, limits: { per_day: '1000' } })),
    );
    const keys = Array.from({ length: 50 }, () => randomUUID());
    const buyAll = () =>
      Promise.all(
        keys.map((key, n) => {
          const graphql = callers[n % 2];
          if (graphql === undefined) throw new Error('no caller');
          return buy(graphql, WALLET, key);
        }),
      );
    const answers = await buyAll();
    const bought = answers.filter((answer) => answer['__typename'] === 'Purchase');
    expect(bought).toHaveLength(15);
    expect(tenants.sandboxes.shop.ledger).toHaveLength(15);
    const refused = answers.filter((answer) => answer['__typename'] === 'Problem');
    for (const answer of refused)
      expect(answer).toMatchObject({
        ...{ type: 'PERMISSION', code: 'limit_per_day', retryable: false },
        message: expect.stringMatching(
          /^The limit of a day is BWP (1500\.00 for all callers together|1000\.00 for you), of which BWP \d+\.00 is left today\.$/,
        ) as string,
      });
    // The same keys again: each purchase comes back, and nothing more is bought.
    const again = await buyAll();
    expect(again.filter((answer) => answer['__typename'] === 'Purchase').map(({ id }) => id)).toEqual(
      bought.map(({ id }) => id),
    );
    expect(tenants.sandboxes.shop.ledger).toHaveLength(15);
    // Another integration has nothing of it.
    const other = await tenants.as({ integration: 'kiosk', sub: 'one', limits: { per_day: '1000' } });
    expect((await buy(other, WALLET))['status']).toBe('SUCCEEDED');
  });

  it('of a day: what FAILED does not count, and counts once it is tried again, for who tries it', async () => {
    await using tenants = await startTenants();
    const caller = await tenants.as({ sub: 'one', limits: { per_day: '250' } });
    const { shop } = tenants.sandboxes;
    shop.addFault({ endpoint: 'confirm', kind: 'failed', count: 3 });
    const failed: string[] = [];
    for (let n = 0; n < 3; n += 1) {
      const purchase = await buy(caller, WALLET);
      expect(purchase).toMatchObject({ status: 'FAILED', canRetry: true });
      failed.push(purchase['id']);
    }
    const [one, two, three] = failed;
    for (const id of [one, two]) expect((await retry(caller, { id }))['status']).toBe('SUCCEEDED');
    const told = { code: 'limit_per_day', message: expect.stringContaining('BWP 50.00 is left') as string };
    expect(await retry(caller, { id: three })).toMatchObject({ ...told, fields: [{ field: 'id' }] });
    expect(await buy(caller, WALLET)).toMatchObject(told);
    expect(shop.ledger).toHaveLength(2);
    expect((await retry(await tenants.as({ sub: 'other' }), { id: three }))['status']).toBe('SUCCEEDED');

    const { out } = await command('purchases', ['audit', '--json'], tenants.path);
    const { entries } = z
      .object({
        entries: z.array(z.object({ action: z.string(), name: z.string(), integration: z.string() })),
      })
      .parse(JSON.parse(out));
    const trail = entries.map(({ action, name }) => `${action} ${name}`).reverse();
    expect(trail).toEqual([
      ...['CONFIRMED one', 'CONFIRMED one', 'CONFIRMED one', 'RETRIED one', 'RETRIED one', 'RETRIED other'],
    ]);
    expect(new Set(entries.map(({ integration }) => integration))).toEqual(new Set(['shop']));
  });
});
