import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { confirm, electricity, startStack, walletId, type Stack } from '../support/stack.ts';

const LIST = `query ($first: Int, $after: String, $last: Int, $before: String, $filter: PurchaseFilter) {
  purchases(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
    edges { cursor node { id createdAt } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;

describe('the list of purchases', () => {
  let stack: Stack;
  let wallet: string;
  /** Newest first. */
  let newest: { cursor: string; node: { id: string; createdAt: string } }[];

  const list = async (variables: object) => {
    const { data, errors } = await stack.graphql(LIST, variables);
    return { page: data?.['purchases'], errors };
  };
  const ids = (edges: { node: { id: string } }[]) => edges.map(({ node }) => node.id);

  beforeAll(async () => {
    stack = await startStack();
    wallet = await walletId(stack.graphql);
    const meters = ['04040404040', '04040404040', '04040404081', '0404040404000', '04040404040'];
    for (const [n, subscriberIdentifier] of meters.entries()) {
      const details = await electricity(stack.graphql, { subscriberIdentifier });
      await confirm(stack.graphql, { idempotencyKey: `k${n}`, from: { details } });
    }
    newest = (await list({})).page.edges;
    expect(newest).toHaveLength(5);
  });
  afterAll(() => stack[Symbol.asyncDispose]());

  it('is paged forwards and backwards as the Relay specification says', async () => {
    const first = (await list({ first: 2 })).page;
    expect(first.edges).toEqual(newest.slice(0, 2));
    expect(first.pageInfo).toEqual({
      hasNextPage: true,
      hasPreviousPage: false,
      startCursor: newest[0]?.cursor,
      endCursor: newest[1]?.cursor,
    });
    const last = (await list({ last: 2 })).page;
    expect(last.edges).toEqual(newest.slice(3));
    expect(last.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
    const before = (await list({ last: 2, before: newest[3]?.cursor })).page;
    expect(before.edges).toEqual(newest.slice(1, 3));
    const between = (await list({ first: 5, after: newest[0]?.cursor, before: newest[4]?.cursor })).page;
    expect(between.edges).toEqual(newest.slice(1, 4));
    expect((await list({ first: 0 })).page.edges).toEqual([]);
  });

  it.each<[string, object, (number | string)[]]>([
    ['a status', { status: ['FAILED'] }, [2]],
    ['two statuses', { status: ['FAILED', 'SUCCEEDED'] }, [0, 1, 2, 3, 4]],
    ['no status at all: none', { status: [] }, []],
    ['a product that was not bought', { productType: ['WATER'] }, []],
    ['a meter', { subscriberIdentifier: '0404040404000' }, [1]],
    ['a meter and a status', { subscriberIdentifier: '04040404040', status: ['SUCCEEDED'] }, [0, 3, 4]],
    ['nulls, which do not restrict', { status: null, productType: null, accountId: null }, [0, 1, 2, 3, 4]],
  ])('is filtered by %s', async (_name, filter, expected) => {
    const { page, errors } = await list({ filter });
    expect(errors).toBeUndefined();
    expect(ids(page.edges)).toEqual(expected.map((n) => newest[Number(n)]?.node.id));
  });

  it('is filtered by time: from an instant, until before another', async () => {
    const filter = { createdAfter: newest[3]?.node.createdAt, createdBefore: newest[1]?.node.createdAt };
    expect(ids((await list({ filter })).page.edges)).toEqual(ids(newest.slice(2, 4)));
  });

  it('is filtered by account, and is also the account’s own list', async () => {
    expect((await list({ filter: { accountId: wallet } })).page.edges).toEqual(newest);
    const { data, errors } = await stack.graphql(
      `query ($id: ID!, $other: ID!) { account(id: $id) {
        purchases(first: 1) { edges { node { id } } }
        others: purchases(filter: { accountId: $other }) { edges { node { id } } } } }`,
      { id: wallet, other: Buffer.from('Account:13210').toString('base64') },
    );
    expect(errors).toBeUndefined();
    expect(ids(data?.['account'].purchases.edges)).toEqual([newest[0]?.node.id]);
    expect(data?.['account'].others.edges).toEqual([]);
  });

  it.each(['1.3209e4', '0x3399', ' 13209', '+13209', '13209.0'])(
    'is of no account by another way to write its number: %s',
    async (number) => {
      const { data } = await stack.graphql(
        'query ($id: ID!) { account(id: $id) { id } node(id: $id) { id } }',
        {
          id: Buffer.from(`Account:${number}`).toString('base64'),
        },
      );
      expect(data).toEqual({ account: null, node: null });
    },
  );

  it.each<[string, object, string]>([
    ['a negative size', { first: -1 }, 'first'],
    ['a size past 100', { last: 101 }, 'last'],
    ['both sizes', { first: 1, last: 1 }, 'last'],
    ['a cursor that is none', { after: 'nonsense' }, 'after'],
    ['a cursor of another list', { before: Buffer.from('event:1').toString('base64url') }, 'before'],
    ['an account that is none', { filter: { accountId: 'x' } }, 'filter.accountId'],
  ])('refuses %s by the argument’s name', async (_name, variables, field) => {
    const { errors } = await list(variables);
    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT', fields: [{ field }] } }]);
  });

  it('finds one by id, reference or key, and nothing for what is unknown', async () => {
    const { data, errors } = await stack.graphql(
      `query ($id: ID!) {
        byKey: purchase(by: { idempotencyKey: "k4" }) { id reference }
        byId: purchase(by: { id: $id }) { id }
        noId: purchase(by: { id: "nonsense" }) { id }
        noKey: purchase(by: { idempotencyKey: "nobody's" }) { id }
        noReference: purchase(by: { reference: "GW-" }) { id }
        account(id: "nonsense") { id }
        node(id: "UHVyY2hhc2U6eA==") { id }
      }`,
      { id: newest[0]?.node.id },
    );
    expect(errors).toBeUndefined();
    expect(data?.['byKey'].id).toBe(newest[0]?.node.id);
    expect(data?.['byId'].id).toBe(newest[0]?.node.id);
    const nothing = { noId: null, noKey: null, noReference: null, account: null, node: null };
    expect(data).toMatchObject(nothing);
  });

  it('refuses a look-up by two keys, and more than a hundred ids at once', async () => {
    const two = await stack.graphql('{ purchase(by: { id: "a", reference: "b" }) { id } }');
    expect(two.errors).toHaveLength(1);
    const none = await stack.graphql('{ purchase(by: {}) { id } }');
    expect(none.errors).toHaveLength(1);
    const { errors } = await stack.graphql('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
      ids: Array.from({ length: 101 }, () => wallet),
    });
    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT', fields: [{ field: 'ids' }] } }]);
  });
});
