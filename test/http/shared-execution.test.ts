import { setMaxListeners } from 'node:events';

import {
  execute,
  getNamedType,
  isObjectType,
  parse,
  type ExecutionArgs,
  type ExecutionResult,
} from 'graphql';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { scopes, type Caller } from '../../src/auth/caller.ts';
import { sharedExecution } from '../../src/http/shared-execution.ts';
import { createRequestContext, type RequestContext } from '../../src/http/request-context.ts';
import { Rates } from '../../src/http/rates.ts';
import { EventFeed } from '../../src/purchases/feed.ts';
import type { Domain } from '../../src/schema/context.ts';
import { toGraphQLError } from '../../src/schema/errors.ts';
import { schema } from '../../src/schema/index.ts';
import { systemRuntime } from '../../src/system-runtime.ts';
import { newAttempt, newPurchase } from '../journal/fixtures.ts';
import { MemoryJournal, MemoryRecord } from '../simulation/memory-journal.ts';
import { onTheHappyMeter } from '../attack/harness.ts';
import { confirm, isSettled, subscribe, until, type Answer, type GraphQLCaller } from '../support/stack.ts';
import { accountId, every, startTenants, without } from '../support/tenants.ts';

const rates = new Rates({ operations: 0, purchases: 0, integration: 0, refused: 0 });
const anyone: Caller = {
  ...{ name: 'one', scopes: new Set(scopes), integration: 'shop', accounts: new Set([13209]) },
};

/** A feed with one event on its way, and what is subscribed on it by way of the plugin. */
async function setting() {
  const journal = new MemoryJournal(new MemoryRecord(), { instance: 'one', shared: false });
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const feed = await EventFeed.open({ journal, runtime: systemRuntime(), log });
  onTestFinished(() => feed.close());
  const executed: RequestContext[] = [];
  const masked: unknown[] = [];
  const leaving = new AbortController();
  setMaxListeners(0, leaving.signal);
  const contextOf = (caller: Caller, signal: AbortSignal): RequestContext => {
    const catalogue = { accounts: () => Promise.reject(new Error(`a fault`)) };
    const domain = { journal, feed, catalogue, purchases: {} } as unknown as Domain;
    const rest = { requestId: 'own', transport: 'websocket', setHeader: () => undefined } as const;
    return createRequestContext({ caller, domain, signal, ...rest }, rates);
  };
  const plugin = sharedExecution({
    execute: (args) => {
      executed.push(args.contextValue as RequestContext);
      return execute(args);
    },
    maskError: (error) => {
      masked.push(error);
      return toGraphQLError(error);
    },
    contextFor: (_own, { caller, signal }) => contextOf(caller, signal as AbortSignal),
    newId: () => 'new',
  });
  const follow = async (caller: Caller, document: ExecutionArgs['document'], variableValues = {}) => {
    const contextValue = contextOf(caller, leaving.signal);
    const args = { schema, document, variableValues, contextValue };
    let run: unknown;
    // What of Envelop's event the plugin looks at.
    const event = { args, setSubscribeFn: (fn: unknown) => void (run = fn) };
    await plugin.onSubscribe?.(event as never);
    return (await (run as () => unknown)()) as AsyncIterableIterator<ExecutionResult>;
  };
  const next = async (all: readonly AsyncIterableIterator<ExecutionResult>[]) => {
    const coming = all.map((one) => one.next());
    await journal.begin(newPurchase(), newAttempt());
    return (await Promise.all(coming)).map(({ value }) => value as ExecutionResult);
  };
  return { follow, next, executed, masked, leaving };
}

const plain = parse(
  `subscription ($after: String, $yes: Boolean = true) { purchaseEvents(after: $after) { cursor status purchase { id at: createdAt @include(if: $yes) tokens { kind } } } }`,
);
const withTokens = parse(
  `subscription { purchaseEvents { ...E } } fragment E on PurchaseEvent { purchase { tokens { shown: formatted } } }`,
);
const again = parse(`subscription { purchaseEvents { cursor } }`);

describe('an event is executed', () => {
  it.each([
    ['once for callers that differ in nothing but their names', plain, { name: 'two' }, {}, 1],
    ['once for those that began elsewhere', plain, {}, { after: 'ZXZlbnQ6MA' }, 1],
    ['for each name where tokens are shown', withTokens, { name: 'two' }, {}, 2],
    ['for each set of scopes', plain, { scopes: new Set(['purchases:read']) }, {}, 2],
    ['for each set of accounts', plain, { accounts: new Set([13209, 13210]) }, {}, 2],
    ['for one without a restriction', plain, { accounts: undefined }, {}, 2],
    ['for each integration', plain, { integration: 'kiosk' }, {}, 2],
    ['for each value of a variable that it is told by', plain, {}, { yes: false }, 2],
    ['for one that has null where another has nothing', plain, {}, { yes: true }, 2],
  ] as const)('%s', async (_what, document, change, variables, times) => {
    const { follow, next, executed } = await setting();
    const one = await follow(anyone, document);
    const other = await follow({ ...anyone, ...(change as Partial<Caller>) }, document, variables);
    const [first, second] = await next([one, other]);
    expect(first?.errors).toBeUndefined();
    expect(executed).toHaveLength(times);
    // The very same, so that it is written once.
    expect(first === second).toBe(times === 1);
  });

  it('once for a thousand, and anew for each event and each text', async () => {
    const { follow, next, executed } = await setting();
    const thousand = await Promise.all(Array.from({ length: 1_000 }, () => follow(anyone, plain)));
    const other = await follow(anyone, again);
    for (const n of [1, 2]) {
      const results = await next([...thousand, other]);
      expect(new Set(results).size).toBe(2);
      expect(executed).toHaveLength(2 * n);
    }
  });

  it('anew for one who comes after the next event, for that may have changed what is told', async () => {
    const { follow, next, executed } = await setting();
    const thousand = await Promise.all(Array.from({ length: 1_000 }, () => follow(anyone, plain)));
    const [first] = await next(thousand);
    const soon = await follow(anyone, plain, { after: 'ZXZlbnQ6MA' });
    expect((await soon.next()).value).toBe(first);
    expect(executed).toHaveLength(1);
    await next(thousand);
    const late = await follow(anyone, plain, { after: 'ZXZlbnQ6MA' });
    const again = (await late.next()).value as ExecutionResult;
    expect(again).toEqual(first);
    expect(again).not.toBe(first);
    expect(executed).toHaveLength(3);
  });

  it('with a context of its own, which tells no name unless tokens are shown, and which nobody’s leaving ends', async () => {
    const { follow, next, executed, leaving } = await setting();
    await next([await follow(anyone, plain), await follow(anyone, withTokens)]);
    leaving.abort();
    const [nameless, named] = executed;
    expect(() => nameless?.caller.name).toThrow('must not depend on their names');
    expect(named?.caller.name).toBe('one');
    for (const { signal } of executed) expect(signal.aborted).toBe(false);
    expect(nameless?.loaders).not.toBe(named?.loaders);
  });

  it('and its faults are masked once, before anybody gets them', async () => {
    const { follow, next, masked } = await setting();
    const document = parse('subscription { purchaseEvents { purchase { account { id } } } }');
    const results = await next(await Promise.all([1, 2, 3].map(() => follow(anyone, document))));
    expect(masked).toHaveLength(1);
    for (const { errors } of results) {
      expect(JSON.stringify(errors)).not.toContain('a fault');
      expect(errors?.[0]?.extensions['code']).toBe('INTERNAL');
    }
  });
});

describe('what a subscription can reach', () => {
  it('has nothing in it that is told of the caller himself', () => {
    const reached = new Set<string>();
    const walk = (name: string) => {
      if (reached.has(name)) return;
      reached.add(name);
      const type = schema.getType(name);
      if (isObjectType(type))
        for (const field of Object.values(type.getFields())) walk(getNamedType(field.type).name);
    };
    walk('Subscription');
    expect([...reached]).toContain('VendToken');
    expect([...reached]).not.toContain('Viewer');
  });
});

describe('subscribers with the same text', () => {
  const SELECTION = `id status reference surface canRetry amount { amount } tokens { kind digits formatted }
    account { accountNumber balance { currency } purchases(first: $first) { edges { node { id } } } } attempts { number kind }`;
  const LIVE = `subscription ($first: Int!, $filter: PurchaseFilter) { purchaseEvents(filter: $filter) { purchase { ${SELECTION} } } }`;
  const ALONE = `query ($first: Int!, $by: PurchaseBy!) { purchase(by: $by) { ${SELECTION} } }`;
  /** Each twice, so that each has somebody to share with. */
  const claims: readonly object[] = [
    { sub: 'one', scope: every },
    { sub: 'two', scope: every },
    { sub: 'blind', scope: without('tokens:read') },
    { sub: 'other-blind', scope: without('tokens:read') },
    { sub: 'poor', scope: without('accounts:read') },
    // Of the same name, as one who has several keys or tokens.
    { sub: 'one', scope: without('tokens:read') },
    { sub: 'one', scope: every, accounts: [13211] },
    { sub: 'one', scope: every, accounts: [13209, 13211] },
    { sub: 'one', scope: every, integration: 'kiosk' },
    { sub: 'one', scope: without('tokens:read'), integration: 'kiosk' },
  ];
  const seen: { live: Answer; alone: Answer; who: string }[] = [];
  const counts = new Map<string, number>();

  beforeAll(async () => {
    await using tenants = await startTenants();
    const all = await Promise.all(
      [...claims, ...claims].map(async (claim, n) => {
        const graphql = await tenants.as(claim);
        const first = n === 1 ? 2 : 1;
        const variables = { first, filter: { status: ['SUCCEEDED', 'FAILED'] } };
        const live = subscribe(await tenants.socketAs(claim), LIVE, variables);
        return { who: JSON.stringify(claim), graphql, first, live };
      }),
    );
    const told = () => [...tenants.logged().matchAll(/"kind":"subscription"/g)].length;
    // A subscription that was refused would be told at once.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(told()).toBe(0);
    const buyers: readonly (readonly [GraphQLCaller, number])[] = [
      [await tenants.as(), 13209],
      [await tenants.as(), 13211],
      [await tenants.as({ integration: 'kiosk' }), 13209],
    ];
    for (const [n, [buyer, account]] of buyers.entries()) {
      const details = { ...onTheHappyMeter, accountId: accountId(account) };
      const bought = await confirm(buyer, { idempotencyKey: `key-${n}`, from: { details } });
      expect(isSettled(bought)).toBe(true);
      const by = { id: bought['id'] };
      await until(
        () =>
          all.filter(({ live }) => live.results.some((one) => idOf(one) === bought['id'])).length ===
          [14, 16, 4][n],
        'all events',
      );
      for (const { who, graphql, live, first } of all) {
        const event = live.results.find((one) => idOf(one) === bought['id']);
        if (event !== undefined) seen.push({ who, live: event, alone: await graphql(ALONE, { first, by }) });
        counts.set(who, live.results.length);
      }
    }
  }, 60_000);

  const idOf = ({ data }: Answer) => data?.['purchaseEvents']?.purchase.id;
  const codesOf = ({ errors = [] }: Answer) => errors.map(({ extensions }) => extensions?.['code']);

  it('get each what he would get alone', () => {
    expect(seen).toHaveLength(34);
    for (const { who, live, alone } of seen) {
      expect(live.data?.['purchaseEvents'].purchase, who).toEqual(alone.data?.['purchase']);
      expect(codesOf(live), who).toEqual(codesOf(alone));
    }
  });

  it('and no event, account or token that is not his', () => {
    const told = (who: RegExp) =>
      JSON.stringify(seen.filter((one) => who.test(one.who)).map(({ live }) => live));
    expect(told(/tokens:read/)).toMatch(/"digits":"\d{20}"/);
    expect(told(/purchases:write"/)).not.toMatch(/\d{20}|\d{4} \d{4}/);
    expect(told(/purchases:write"/)).toContain('"digits":null');
    expect(told(/poor/)).toContain('FORBIDDEN');
    expect(told(/poor/)).not.toContain('"accountNumber"');
    expect(told(/\[13211\]/)).not.toContain('13209');
    expect([...counts].map(([, count]) => count)).toEqual([2, 2, 2, 2, 2, 2, 1, 2, 1, 1]);
  });
});
