import { execute, parse, type DocumentNode, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { describe, expect, it } from 'vitest';

import { scopes, type Scope } from '../../src/auth/caller.ts';
import { compile, executeCompiled } from '../../src/http/compiled-execution.ts';
import type { Reveal } from '../../src/purchases/journal.ts';
import { viewFor } from '../../src/purchases/view.ts';
import type { Context } from '../../src/schema/context.ts';
import { toGraphQLError } from '../../src/schema/errors.ts';
import { schema } from '../../src/schema/index.ts';
import { createLoaders } from '../../src/schema/loaders.ts';
import { aShop, answered, bought, got, input, lost, refusedForGood, token } from '../purchases/shop.ts';

const engines: Readonly<Record<string, (args: ExecutionArgs) => ReturnType<typeof execute>>> = {
  'graphql-js': execute,
  'graphql-jit': (args) => {
    const compiled = compile(args);
    if (compiled === undefined) throw new Error('it is not compiled');
    return executeCompiled(compiled, args);
  },
};

const page = (fields: string): DocumentNode =>
  parse(`{ purchases(first: 9) { edges { node { id tokens { ${fields} } } } } }`);
const ALL = page('kind digits formatted');
const SHOWN = { kind: 'CREDIT', digits: token.digits, formatted: '1234 5678 9012 3456 7890' };
const HIDDEN = { ...SHOWN, digits: null, formatted: null };

/** A shop that has sold thrice and refused once, and what of it the audit trail was told. */
async function setting() {
  const told: Reveal[] = [];
  const disk = { works: true, turn: Promise.resolve() };
  const shop = await aShop({
    journal: (own) => ({
      reveal: async (reveal) => {
        told.push(reveal);
        await disk.turn;
        if (!disk.works) throw new Error('the disk is full');
        await own.reveal(reveal);
      },
    }),
  });
  const sold = [await shop.buy({}, 'one'), await shop.buy({}, 'two'), await shop.buy({}, 'three')];
  await shop.buy({ reading: refusedForGood }, 'refused');
  const { catalogue, purchases, feed, journal } = shop;
  const viewOf = (name: string) =>
    viewFor(
      { catalogue, purchases, feed, journal },
      { name, accounts: undefined, mostPerPurchase: null, mostPerDay: null, mostPerDayByAll: null },
    );
  const ask = async (
    engine: keyof typeof engines,
    name: string,
    document: DocumentNode = ALL,
    own: readonly Scope[] = scopes,
  ): Promise<ExecutionResult> => {
    const domain = viewOf(name);
    const { signal } = new AbortController();
    const contextValue: Context = {
      caller: { name, scopes: new Set(own), integration: undefined, accounts: undefined },
      ...{ domain, signal, requestId: 'asked', admit: () => Promise.resolve(undefined) },
      loaders: createLoaders(domain, signal, 'asked'),
    };
    return (engines[engine] ?? execute)({ schema, document, contextValue });
  };
  const tokensIn = ({ data }: ExecutionResult): unknown[] => {
    const { purchases: found } = data as { purchases: { edges: { node: { tokens: unknown[] } }[] } };
    return found.edges.flatMap(({ node }) => node.tokens);
  };
  const ids = sold.map(({ id }) => id);
  return { shop, told, disk, ids, viewOf, ask, tokensIn };
}

describe.each(Object.keys(engines))('who is shown tokens, by %s', (engine) => {
  it('stands in the trail before a digit is given out: one write of a page, none when it is read again', async () => {
    const { shop, told, disk, ids, ask, tokensIn } = await setting();
    let write: () => void = () => undefined;
    disk.turn = new Promise((resolve) => (write = resolve));
    const asked = ask(engine, 'app');
    const answered = { yet: false };
    void asked.then(() => (answered.yet = true));
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(told).toMatchObject([{ caller: 'app' }]);
    expect(answered.yet).toBe(false);
    write();
    expect(tokensIn(await asked)).toEqual([SHOWN, SHOWN, SHOWN]);
    expect([...(told[0]?.purchaseIds ?? [])].sort()).toEqual([...ids].sort());
    expect(tokensIn(await ask(engine, 'app', page('formatted')))).toMatchObject([{}, {}, {}]);
    expect(told).toHaveLength(1);
    const trail = await shop.journal.auditTrail({ limit: 10 });
    expect(
      trail.map(({ action, actor, name, purchaseId }) => [action, actor, name, purchaseId]).sort(),
    ).toEqual([...ids].sort().map((id) => ['REVEALED', 'CALLER', 'app', id]));
  });

  it('does not where nothing secret is asked for, or may be seen', async () => {
    const { told, ask, tokensIn } = await setting();
    const { kind } = SHOWN;
    expect(tokensIn(await ask(engine, 'app', page('kind')))).toEqual([{ kind }, { kind }, { kind }]);
    const less = scopes.filter((scope) => scope !== 'tokens:read');
    const { errors, ...denied } = await ask(engine, 'app', ALL, less);
    expect([errors, tokensIn(denied)]).toEqual([undefined, [HIDDEN, HIDDEN, HIDDEN]]);
    expect(told).toEqual([]);
  });

  it('is not shown them when that cannot be written, and is told so', async () => {
    const { shop, told, disk, ask, tokensIn } = await setting();
    disk.works = false;
    const result = await ask(engine, 'app');
    expect(tokensIn(result)).toEqual([HIDDEN, HIDDEN, HIDDEN]);
    expect(result.errors).toHaveLength(6);
    // The newest, at 0, was refused and has none.
    expect(toGraphQLError(result.errors?.[0])).toMatchObject({
      message: 'That you see this token could not be recorded, so it is not shown. Please try again.',
      path: ['purchases', 'edges', 1, 'node', 'tokens', 0, 'digits'],
      extensions: { code: 'UNAVAILABLE', problemCode: 'record_unavailable', retryable: true },
    });
    expect(shop.told).toEqual(['who sees tokens could not be recorded, so they were not shown']);
    disk.works = true;
    expect(tokensIn(await ask(engine, 'app'))).toEqual([SHOWN, SHOWN, SHOWN]);
    expect(told).toHaveLength(2);
  });

  it('need not be written of who has bought it, or asked about it', async () => {
    const { shop, told, ids, viewOf, ask, tokensIn } = await setting();
    const [till, helper] = [viewOf('till').purchases, viewOf('helper').purchases];
    Object.assign(shop.says, { reading: bought, confirm: answered });
    const own = await shop.play(
      till.confirm({ idempotencyKey: 'own', from: { details: input }, waitMs: 10_000 }),
    );
    const { id: inDoubt } = await shop.buy({ confirm: lost }, 'in doubt');
    const helped = await shop.play(helper.retry({ id: inDoubt, waitMs: 10_000 }));
    for (const [name, bySelf] of [
      ['till', own],
      ['helper', helped],
    ] as const) {
      expect(tokensIn(await ask(engine, name))).toEqual([SHOWN, SHOWN, SHOWN, SHOWN, SHOWN]);
      const others = [...ids, got(own).id, got(helped).id].filter((id) => id !== got(bySelf).id);
      expect([...(told.pop()?.purchaseIds ?? [])].sort()).toEqual(others.sort());
    }
    expect(told).toEqual([]);
  });
});

it('of two callers who confirm one key at once, one has bought it', async () => {
  const { shop, viewOf } = await setting();
  const both = [viewOf('till').purchases, viewOf('helper').purchases];
  const same = { idempotencyKey: 'same', from: { details: input }, waitMs: 0 };
  const [id, again] = (await shop.play(Promise.all(both.map((purchases) => purchases.confirm(same))))).map(
    (result) => got(result).id,
  );
  expect(again).toBe(id);
  expect(both.filter((purchases) => purchases.isRevealed(id ?? ''))).toHaveLength(1);
});
