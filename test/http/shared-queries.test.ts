import { execute, parse, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

import { scopes, type Caller } from '../../src/auth/caller.ts';
import { textOf } from '../../src/http/answer-text.ts';
import { Rates } from '../../src/http/rates.ts';
import { createRequestContext, type RequestContext } from '../../src/http/request-context.ts';
import { sharedQueries } from '../../src/http/shared-queries.ts';
import type { Account } from '../../src/purchases/catalogue.ts';
import { Decimal } from '../../src/purchases/money.ts';
import type { Domain } from '../../src/schema/context.ts';
import { toGraphQLError } from '../../src/schema/errors.ts';
import { schema } from '../../src/schema/index.ts';
import { systemRuntime } from '../../src/system-runtime.ts';
import { onTheHappyMeter } from '../attack/harness.ts';
import { confirm, isSettled, until, type Answer } from '../support/stack.ts';
import { accountId, every, startTenants, without } from '../support/tenants.ts';

const rates = new Rates({ operations: 0, purchases: 0, integration: 0, refused: 0 });
const anyone: Caller = {
  ...{ name: 'one', scopes: new Set(scopes), integration: 'shop', accounts: new Set([13209]) },
};

const account = (balance: string): Account => ({
  ...{ id: 13209, name: 'Sales', currency: 'BWP', category: 'OTHER', type: 'WALLET', status: 'ACTIVE' },
  ...{ rank: 1, balance: { amount: new Decimal(balance), currency: 'BWP' } },
});

/** The plugin, over reads that the test answers. */
function setting({ coalescing }: { coalescing: boolean }) {
  const reads: {
    readonly signal: unknown;
    readonly requestId: unknown;
    readonly answer: (all: readonly Account[]) => void;
    readonly fail: (error: Error) => void;
  }[] = [];
  const catalogue = {
    defaultSurface: 'V1',
    accounts: (signal: unknown, _surface: unknown, requestId: unknown) =>
      new Promise<readonly Account[]>((answer, fail) => reads.push({ signal, requestId, answer, fail })),
    identity: () => Promise.resolve({ username: 'shop', role: null, roles: [], organisation: null }),
  };
  const journal = { purchase: () => Promise.resolve(undefined) };
  const domain = { journal, catalogue, purchases: {}, feed: {} } as unknown as Domain;
  const executed: RequestContext[] = [];
  const masked: unknown[] = [];
  const plugin = sharedQueries({
    ...{ coalescing, runtime: systemRuntime() },
    execute: (args) => {
      executed.push(args.contextValue as RequestContext);
      return execute(args);
    },
    maskError: (error) => {
      masked.push(error);
      return toGraphQLError(error);
    },
    contextFor: (own, on) =>
      createRequestContext(
        { domain: own.domain, transport: 'http', setHeader: () => undefined, ...on },
        rates,
      ),
  });
  let requests = 0;
  const ask = (
    document: ExecutionArgs['document'],
    { caller = anyone, variables = {}, signal = new AbortController().signal } = {},
  ) => {
    const requestId = `request-${(requests += 1)}`;
    const contextValue = createRequestContext(
      { caller, domain, signal, requestId, transport: 'http', setHeader: () => undefined },
      rates,
    );
    const args = { schema, document, variableValues: variables, contextValue };
    let run: unknown;
    // What of Envelop's event the plugin looks at.
    void plugin.onExecute?.({ args, setExecuteFn: (fn: unknown) => void (run = fn) } as never);
    return (run as () => Promise<ExecutionResult>)();
  };
  const readsAre = async (count: number) => {
    for (let turn = 0; reads.length < count; turn += 1) {
      if (turn > 1_000) throw new Error(`there are ${reads.length} reads, and not ${count}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const read = reads[count - 1];
    if (read === undefined) throw new Error('no such read');
    return read;
  };
  return { ask, reads, readsAre, executed, masked };
}

const ACCOUNTS = parse(
  'query ($yes: Boolean = true) { accounts { id name @include(if: $yes) balance { amount } } }',
);
const balanceIn = (result: ExecutionResult) =>
  (result.data as { accounts: { balance: { amount: string } }[] }).accounts[0]?.balance.amount;

describe('a query that is asked twice at the same time is executed', () => {
  const TOKENS = parse('query { purchase(by: { id: "x" }) { tokens { digits } } }');
  it.each([
    ['once for callers that differ in nothing but their names', ACCOUNTS, { name: 'two' }, {}, 1],
    ['for each name where tokens are shown', TOKENS, { name: 'two' }, {}, 2],
    ['once for one caller where tokens are shown', TOKENS, {}, {}, 1],
    ['for each set of scopes', ACCOUNTS, { scopes: new Set(['accounts:read']) }, {}, 2],
    ['for each set of accounts', ACCOUNTS, { accounts: new Set([13209, 13210]) }, {}, 2],
    ['for one without a restriction', ACCOUNTS, { accounts: undefined }, {}, 2],
    ['for each integration', ACCOUNTS, { integration: 'kiosk' }, {}, 2],
    ['for each value of a variable', ACCOUNTS, {}, { yes: false }, 2],
    ['once where a variable that it does not have is given', ACCOUNTS, {}, { other: 1 }, 1],
  ] as const)('%s', async (_what, document, change, variables, times) => {
    const { ask, reads, executed } = setting({ coalescing: true });
    const one = ask(document);
    const other = ask(document, { caller: { ...anyone, ...(change as Partial<Caller>) }, variables });
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (const { answer } of reads) answer([account('1.00')]);
    const [first, second] = await Promise.all([one, other]);
    expect(first.errors).toBeUndefined();
    expect(executed).toHaveLength(times);
    expect(first === second).toBe(times === 1);
  });

  it('for each of two texts, and for each mutation', async () => {
    const { ask, executed } = setting({ coalescing: true });
    const viewer = [parse('{ viewer { username } }'), parse('{ viewer { username } }')];
    await Promise.all(viewer.map((document) => ask(document)));
    expect(executed).toHaveLength(2);
    const mutation = parse('mutation { retryPurchase(input: { id: "none" }) { __typename } }');
    await Promise.all([ask(mutation), ask(mutation), ask(mutation)]);
    expect(executed).toHaveLength(5);
  });

  it('for each who asks where nothing is shared, on behalf of him alone', async () => {
    const { ask, reads, readsAre } = setting({ coalescing: false });
    const [one, other] = [new AbortController(), new AbortController()];
    const answers = [ask(ACCOUNTS, { signal: one.signal }), ask(ACCOUNTS, { signal: other.signal })];
    await readsAre(2);
    expect(reads.map(({ signal }) => signal)).toEqual([one.signal, other.signal]);
    expect(reads.map(({ requestId }) => requestId)).toEqual(['request-1', 'request-2']);
    for (const { answer } of reads) answer([account('1.00')]);
    await Promise.all(answers);
  });
});

describe('who shares an answer', () => {
  it('does not get one that was begun before he asked', async () => {
    const { ask, reads, readsAre } = setting({ coalescing: true });
    const before = ask(ACCOUNTS);
    await readsAre(1);
    const after = [ask(ACCOUNTS), ask(ACCOUNTS)];
    await readsAre(2);
    reads[1]?.answer([account('4.00')]);
    expect((await Promise.all(after)).map(balanceIn)).toEqual(['4.00', '4.00']);
    reads[0]?.answer([account('5.00')]);
    expect(balanceIn(await before)).toBe('5.00');
    expect(reads).toHaveLength(2);
  });

  it('may leave without taking it from the others; the upstream is told of who asked first', async () => {
    const { ask, readsAre, executed } = setting({ coalescing: true });
    const leaving = new AbortController();
    const one = ask(ACCOUNTS, { signal: leaving.signal });
    const other = ask(ACCOUNTS);
    const read = await readsAre(1);
    expect(read.requestId).toBe('request-1');
    leaving.abort(new Error('gone'));
    expect((await one).errors?.map(({ originalError }) => originalError?.message)).toEqual(['gone']);
    expect(executed[0]?.signal.aborted).toBe(false);
    read.answer([account('1.00')]);
    expect(balanceIn(await other)).toBe('1.00');
  });

  it('shares its faults too, which are masked once and not kept', async () => {
    const { ask, readsAre, masked } = setting({ coalescing: true });
    const all = [ask(ACCOUNTS), ask(ACCOUNTS), ask(ACCOUNTS)];
    (await readsAre(1)).fail(new Error('a fault'));
    for (const { errors } of await Promise.all(all)) {
      expect(JSON.stringify(errors)).not.toContain('a fault');
      expect(errors?.[0]?.extensions['code']).toBe('INTERNAL');
    }
    expect(masked).toHaveLength(1);
    const later = ask(ACCOUNTS);
    (await readsAre(2)).answer([account('1.00')]);
    expect((await later).errors).toBeUndefined();
  });
});

describe.each([true, false])('an answer, where reads are shared: %s,', (coalescing) => {
  /** Asks, and answers what is read meanwhile. */
  const asking = () => {
    const { ask, readsAre, ...rest } = setting({ coalescing });
    let count = 0;
    const answered = async (document: ExecutionArgs['document'], all: readonly Account[] | Error) => {
      const result = ask(document);
      const read = await readsAre((count += 1));
      if (all instanceof Error) read.fail(all);
      else read.answer(all);
      return result;
    };
    return { ask, answered, ...rest };
  };

  it('is asked for anew each time, and not made anew while all that it is made of is the same', async () => {
    const { answered, reads, executed } = asking();
    const same = [account('1.00')];
    const first = await answered(ACCOUNTS, same);
    expect(await answered(ACCOUNTS, same)).toBe(first);
    expect(textOf(first)).toBe(JSON.stringify(first));
    expect(executed).toHaveLength(1);
    // Equal, but not the same: nobody has compared it.
    const second = await answered(ACCOUNTS, [account('0.50')]);
    expect(balanceIn(second)).toBe('0.50');
    expect(balanceIn(await answered(ACCOUNTS, same))).toBe('1.00');
    expect(executed).toHaveLength(3);
    // What was read in order to look at it was not read again in order to execute.
    expect(reads).toHaveLength(4);
  });

  it('that cannot be read is not what it was the last time', async () => {
    const { answered, reads } = asking();
    const same = [account('1.00')];
    const first = await answered(ACCOUNTS, same);
    const failed = await answered(ACCOUNTS, new Error('unreachable'));
    expect(failed.errors?.[0]?.path).toEqual(['accounts']);
    expect(failed.data).toBeNull();
    expect(await answered(ACCOUNTS, same)).toBe(first);
    expect(reads).toHaveLength(3);
  });

  it('of the record is made anew each time', async () => {
    const { ask, answered, executed } = asking();
    const purchase = parse('{ purchase(by: { id: "x" }) { id } }');
    await ask(purchase);
    await ask(purchase);
    expect(executed).toHaveLength(2);
    const both = parse('{ purchase(by: { id: "x" }) { id } accounts { id } }');
    const same = [account('1.00')];
    await answered(both, same);
    await answered(both, same);
    expect(executed).toHaveLength(4);
  });

  it('that is long is made anew each time', async () => {
    const { answered, executed } = asking();
    const many = Array.from({ length: 2_000 }, () => account('1.00'));
    await answered(ACCOUNTS, many);
    await answered(ACCOUNTS, many);
    expect(executed).toHaveLength(2);
  });

  it('has a place of its own for each text, caller and variable', async () => {
    const { ask, executed } = asking();
    const viewer = parse('query ($a: Boolean = true) { viewer { scopes username @include(if: $a) } }');
    const poor = { ...anyone, scopes: new Set(['accounts:read'] as const) };
    const asked = [{}, { caller: poor }, { variables: { a: false } }];
    const first = await Promise.all(asked.map((one) => ask(viewer, one)));
    const scopesOf = ({ data }: ExecutionResult) => (data as { viewer: { scopes: unknown } }).viewer.scopes;
    expect(first.map(scopesOf)).toEqual([[...scopes], ['accounts:read'], [...scopes]]);
    expect(first[2]?.data).not.toHaveProperty('viewer.username');
    expect(executed).toHaveLength(3);
    // Each identity is another object here.
    expect(await Promise.all(asked.map((one) => ask(viewer, one)))).toEqual(first);
  });
});

describe('callers who ask the same at the same time', () => {
  const claims: readonly object[] = [
    { sub: 'one', scope: every },
    { sub: 'two', scope: every },
    { sub: 'blind', scope: without('tokens:read') },
    { sub: 'poor', scope: without('accounts:read') },
    { sub: 'buyer', scope: without('purchases:read') },
    { sub: 'one', scope: every, accounts: [13211] },
    { sub: 'one', scope: every, accounts: [13209, 13211] },
    { sub: 'one', scope: every, integration: 'kiosk' },
  ];
  const QUERIES: readonly (readonly [query: string, variables: readonly object[]])[] = [
    ['{ viewer { username scopes accounts { accountNumber } } accounts { id balance { amount } } }', [{}]],
    ['{ products { type providers { code } } viewer { surface organisation { code } } }', [{}]],
    [
      'query ($id: ID!) { account(id: $id) { accountNumber purchases(first: 3) { edges { node { reference } } } } }',
      [{ id: accountId(13209) }, { id: accountId(13211) }],
    ],
    [
      '{ purchases(first: 9) { edges { node { reference tokens { kind digits } account { name } attempts { kind } } } } }',
      [{}],
    ],
  ];

  it('get each what he would get alone', async () => {
    await using tenants = await startTenants();
    for (const [n, [claim, account]] of (
      [
        [{}, 13209],
        [{}, 13211],
        [{ integration: 'kiosk' }, 13209],
      ] as const
    ).entries()) {
      const details = { ...onTheHappyMeter, accountId: accountId(account) };
      const bought = await confirm(await tenants.as(claim), {
        idempotencyKey: `key-${n}`,
        from: { details },
      });
      expect(isSettled(bought)).toBe(true);
    }
    const callers = await Promise.all(claims.map((claim) => tenants.as(claim)));
    const told = ({ data, errors = [] }: Answer) => ({
      data,
      errors: errors.map(({ path, extensions }) => [path, extensions?.['code']]),
    });
    let texts = 0;
    const different = new Set<string>();
    for (const [query, all] of QUERIES) {
      for (const variables of all) {
        const alone: unknown[] = [];
        for (const caller of callers) {
          // A text of its own shares with nobody and is like none before it.
          const answer = told(await caller(`${query} # ${(texts += 1)}`, variables));
          different.add(JSON.stringify(answer));
          alone.push(answer);
        }
        // Often enough to be remembered and compiled.
        for (let round = 0; round < 6; round += 1) {
          const together = await Promise.all(
            [...callers, ...callers].map(async (caller) => told(await caller(query, variables))),
          );
          expect(together).toEqual([...alone, ...alone]);
        }
      }
    }
    expect(different.size).toBeGreaterThan(15);
  }, 60_000);

  it('may leave while they wait, over HTTP and WebSocket, which is nobody’s fault', async () => {
    const fault = vi.spyOn(console, 'error');
    onTestFinished(() => fault.mockRestore());
    await using tenants = await startTenants();
    const query = '{ viewer { accounts { id } } }';
    const [stays, socket] = [await tenants.as(), await tenants.socketAs()];
    const token = await tenants.issuer.token({ sub: 'leaves', scope: every, integration: 'shop' });
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const leaving = new AbortController();
    const body = JSON.stringify({ query });
    const ask = () =>
      fetch(`${tenants.gateway.url}/graphql`, { method: 'POST', headers, body, signal: leaving.signal });
    // Known from now on, as nearly every operation is.
    await (await ask()).text();
    tenants.sandboxes.shop.addFault({ endpoint: '*', kind: 'delay_before', count: null, delayMs: 400 });
    const goes = ask().catch((error: unknown) => error);
    const results = socket.iterate({ query });
    const first = results.next();
    const answer = stays(query);
    await new Promise((resolve) => setTimeout(resolve, 100));
    leaving.abort();
    await results.return?.();
    expect(await goes).toMatchObject({ name: 'AbortError' });
    expect(await first).toMatchObject({ done: true });
    expect((await answer).errors).toBeUndefined();
    await until(() => [...tenants.logged().matchAll(/"outcome":"CLIENT_GONE"/g)].length === 2, 'both left');
    expect(tenants.logged()).not.toContain('INTERNAL');
    expect(fault).not.toHaveBeenCalled();
  });

  it('never get a balance from before their own purchase, however many others ask', async () => {
    await using tenants = await startTenants();
    const buyer = await tenants.as({ sub: 'buyer' });
    const others = await Promise.all(Array.from({ length: 8 }, (_, n) => tenants.as({ sub: `other-${n}` })));
    let isOver = false;
    const QUERY = '{ accounts { accountNumber balance { amount } } }';
    const asking = others.map(async (other) => {
      while (!isOver) await other(QUERY);
    });
    const balance = async () => {
      const { data } = await buyer(QUERY);
      const wallet = data?.['accounts'].find((one: { accountNumber: number }) => one.accountNumber === 13209);
      return new Decimal(wallet.balance.amount as string);
    };
    let before = await balance();
    for (let n = 0; n < 10; n += 1) {
      const details = { ...onTheHappyMeter, accountId: accountId(13209) };
      const bought = await confirm(buyer, { idempotencyKey: `key-${n}`, from: { details } });
      expect(isSettled(bought)).toBe(true);
      const after = await balance();
      expect(after.lt(before)).toBe(true);
      before = after;
    }
    isOver = true;
    await Promise.all(asking);
  }, 60_000);
});
