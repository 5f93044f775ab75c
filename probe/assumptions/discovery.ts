import { demand, need, type Assumption } from '../assumption.ts';
import { MONEY } from '../amounts.ts';
import { CURRENCY, meters } from '../purchases.ts';
import { list, show, word } from '../show.ts';
import { accountsIn, STRANGE_ACCOUNT } from '../side.ts';
import { at, type Dialect } from '../surfaces.ts';
import { errorOf, said, type Reply } from '../wire.ts';

/** Who we are, which accounts there are, what is sold. */
export function discoveryAssumptions(dialect: Dialect): readonly Assumption[] {
  return [...who(dialect), ...(dialect.surface === 'v1' ? onV1 : onCurrent)];
}

function who({ surface, paths }: Dialect): readonly Assumption[] {
  const id = (name: string) => `${surface}.me.${name}`;
  return [
    {
      ...{ id: id('who'), surface, mark: 'A' },
      statement: `GET ${paths.me} answers id, username, role, and roles as a list of texts`,
      async try(side) {
        const reply = await side.me();
        const { json } = reply;
        demand(reply.status === 200, 'HTTP 200', said(reply));
        demand(isText(at(json, 'username')), 'a username', `username: ${show(at(json, 'username'))}`);
        demand(isText(at(json, 'role')), 'a role', `role: ${show(at(json, 'role'))}`);
        const roles = at(json, 'roles');
        const texts = Array.isArray(roles) && roles.every(isText);
        demand(texts, 'roles: a list of texts', `roles: ${show(roles)}`);
        const own = at(json, 'id');
        demand(typeof own === 'number' || isText(own), 'an id', `id: ${show(own)}`);
        return `role ${word(at(json, 'role'))}, ${roles.length} roles`;
      },
    },
    {
      ...{ id: id('organisation'), surface, mark: 'A' },
      statement: 'me has our organisation with its code and name',
      async try(side) {
        const { json } = await side.me();
        const organisation = at(json, 'organisation');
        const code = at(organisation, 'code');
        const { orgCode } = side.walk.settings.credentials;
        const seen = `organisation: ${show(organisation)}, code: ${code === orgCode ? 'ours' : show(code)}`;
        demand(code === orgCode && isText(at(organisation, 'name')), 'our own code, and a name', seen);
        return 'our own code, and a name';
      },
    },
  ];
}

const onV1: readonly Assumption[] = [
  {
    ...{ id: 'v1.me.no-accounts', surface: 'v1', mark: 'D' },
    statement: 'v1’s me has no accounts',
    async try(side) {
      const accounts = at((await side.me()).json, 'accounts');
      demand(accounts === undefined, 'no accounts', `accounts: ${show(accounts)}`);
      return 'none';
    },
  },
  {
    ...{ id: 'v1.accounts.list', surface: 'v1', mark: 'D' },
    statement:
      'GET /v1/accounts answers a list; each account has an integer id, a name and an ISO 4217 currency',
    async try(side) {
      const reply = await side.accounts();
      const accounts = listIn(reply);
      for (const one of accounts) identified(one);
      return `${accounts.length} accounts`;
    },
  },
  {
    ...{ id: 'v1.accounts.kinds', surface: 'v1', mark: 'D' },
    statement:
      'an account’s category is CURRENT, COMMISSION or TOPUP, its type WALLET, its status ACTIVE, its rank a number',
    async try(side) {
      const accounts = listIn(await side.accounts());
      for (const one of accounts) kinds(one);
      return list([...new Set(accounts.map((one) => word(at(one, 'category'))))]);
    },
  },
  {
    ...{ id: 'v1.accounts.balance', surface: 'v1', mark: 'D' },
    statement: 'a balance is "<CCY> <amount>", in the account’s currency',
    async try(side) {
      const accounts = listIn(await side.accounts());
      for (const one of accounts) {
        const balance = at(one, 'balance');
        const right = typeof balance === 'string' && MONEY.test(balance);
        demand(right, 'a text like "AAA 9999.99"', `balance: ${show(balance)}`);
        const own = at(one, 'currency');
        const same = balance.startsWith(`${String(own)} `);
        demand(same, 'the account’s own currency', `a balance in another than ${word(own)}`);
      }
      return show(at(accounts[0], 'balance'));
    },
  },
  {
    ...{ id: 'v1.accounts.one', surface: 'v1', mark: 'D' },
    statement: 'GET /v1/accounts/{id} answers one element of the list',
    async try(side) {
      const [first] = accountsIn((await side.accounts()).json);
      need(first !== undefined, 'there is no account to ask for');
      const reply = await side.account(first.id);
      demand(reply.status === 200, 'HTTP 200', said(reply));
      demand(Number(at(reply.json, 'id')) === first.id, 'that account', show(reply.json));
      return said(reply);
    },
  },
  {
    ...{ id: 'v1.accounts.not-yours', surface: 'v1', mark: 'D' },
    statement: 'an account that is not yours is a 404',
    async try(side) {
      const reply = await side.account(STRANGE_ACCOUNT);
      demand(reply.status === 404, 'HTTP 404', said(reply));
      return said(reply);
    },
  },
  {
    ...{ id: 'v1.error.not-found', surface: 'v1', mark: 'A' },
    statement: 'what is not there is a not_found_error',
    async try(side) {
      const reply = await side.account(STRANGE_ACCOUNT);
      need(reply.status === 404, `there was no 404: ${said(reply)}`);
      demand(errorOf(reply.json, 'v1')?.type === 'not_found_error', 'not_found_error', said(reply));
      return said(reply);
    },
  },
  {
    ...{ id: 'v1.products.list', surface: 'v1', mark: 'D' },
    statement:
      'GET /v1/vas-products answers a list; each product has a product_type, a display_name and providers with code and name',
    async try(side) {
      const products = listIn(await side.products());
      for (const one of products) {
        const name = at(one, 'display_name');
        demand(isText(at(one, 'product_type')), 'a product_type', show(at(one, 'product_type')));
        demand(isText(name), 'a display_name', `display_name: ${show(name)}`);
        const providers = at(one, 'providers');
        const named =
          Array.isArray(providers) &&
          providers.every(
            (provider: unknown) => isText(at(provider, 'code')) && isText(at(provider, 'name')),
          );
        const first: unknown = Array.isArray(providers) ? providers[0] : undefined;
        demand(
          named,
          'providers with code and name',
          `providers: ${show(providers)}, the first ${show(first)}`,
        );
      }
      return `${products.length} products`;
    },
  },
  {
    ...{ id: 'v1.products.types', surface: 'v1', mark: 'D' },
    statement: 'a product_type is ELECTRICITY, AIRTIME or WATER',
    async try(side) {
      const types = listIn(await side.products()).map((one) => at(one, 'product_type'));
      const known = types.every((type) => ['ELECTRICITY', 'AIRTIME', 'WATER'].includes(String(type)));
      demand(known, 'ELECTRICITY, AIRTIME or WATER', list(types.map(word)));
      return list(types.map(word));
    },
  },
  {
    ...{ id: 'v1.products.format', surface: 'v1', mark: 'D' },
    statement:
      'a subscriber’s format is a least and a greatest length and a JavaScript pattern, each of which may be null',
    async try(side) {
      for (const one of listIn(await side.products())) formatted(one);
      return 'lengths and patterns as they should be';
    },
  },
  {
    ...{ id: 'v1.products.electricity', surface: 'v1', mark: 'D' },
    statement: 'ELECTRICITY is sold by BPC, and the test meters fit its format',
    async try(side) {
      const products = listIn(await side.products());
      const electricity = products.find((one) => at(one, 'product_type') === 'ELECTRICITY');
      const providers = at(electricity, 'providers');
      const codes = Array.isArray(providers) ? providers.map((one: unknown) => at(one, 'code')) : [];
      demand(codes.includes('BPC'), 'the provider BPC', list(codes.map(word)) || 'no provider');
      const strangers = Object.values(meters).filter((meter) => !fits(electricity, meter));
      demand(strangers.length === 0, 'every test meter to fit', `these do not: ${list(strangers)}`);
      return list(codes.map(word));
    },
  },
];

const onCurrent: readonly Assumption[] = [
  {
    ...{ id: 'current.me.accounts', surface: 'current', mark: 'D' },
    statement: 'Current’s me lists the accounts with their integer id; [A] and their currency',
    async try(side) {
      const accounts = at((await side.me()).json, 'accounts');
      demand(
        Array.isArray(accounts) && accounts.length > 0,
        'a list of accounts',
        `accounts: ${show(accounts)}`,
      );
      for (const one of accounts) identified(one);
      return `${accounts.length} accounts`;
    },
  },
  {
    ...{ id: 'current.me.kinds', surface: 'current', mark: 'A' },
    statement: 'Current’s accounts have category, type, status and rank as v1’s have',
    async try(side) {
      const accounts = at((await side.me()).json, 'accounts');
      need(Array.isArray(accounts) && accounts.length > 0, 'there are no accounts');
      for (const one of accounts) kinds(one);
      return list([...new Set(accounts.map((one: unknown) => word(at(one, 'category'))))]);
    },
  },
  {
    ...{ id: 'current.me.same-accounts', surface: 'current', mark: 'A' },
    statement: 'an account has the same id on both surfaces',
    async try(side) {
      const here = await side.accountList();
      const there = new Set((await side.walk.on('v1').accountList()).map(({ id }) => id));
      need(here.length > 0 && there.size > 0, 'the accounts of one surface could not be read');
      const strangers = here.filter(({ id }) => !there.has(id)).length;
      demand(
        strangers === 0,
        'ids that v1 knows',
        `${strangers} of ${here.length} ids that v1 does not know`,
      );
      return `${here.length} of them`;
    },
  },
];

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== '';
}

function listIn(reply: Reply): readonly unknown[] {
  demand(reply.status === 200, 'HTTP 200', said(reply));
  const { json } = reply;
  demand(Array.isArray(json) && json.length > 0, 'a list with something in it', show(json));
  return json;
}

function identified(account: unknown): void {
  const id = at(account, 'id');
  demand(typeof id === 'number' && Number.isInteger(id) && id > 0, 'an integer id', `id: ${show(id)}`);
  demand(isText(at(account, 'name')), 'a name', `name: ${show(at(account, 'name'))}`);
  const currency = at(account, 'currency');
  const iso = typeof currency === 'string' && /^[A-Z]{3}$/.test(currency);
  demand(iso, `a currency such as ${CURRENCY}`, `currency: ${show(currency)}`);
}

function kinds(account: unknown): void {
  const category = at(account, 'category');
  const known = ['CURRENT', 'COMMISSION', 'TOPUP'].includes(String(category));
  demand(known, 'category CURRENT, COMMISSION or TOPUP', `category: ${word(category)}`);
  for (const [name, value] of [
    ['type', 'WALLET'],
    ['status', 'ACTIVE'],
  ] as const) {
    const seen = at(account, name);
    demand(seen === value, `${name} ${value}`, `${name}: ${word(seen)}`);
  }
  const rank = at(account, 'rank');
  demand(typeof rank === 'number', 'a rank that is a number', `rank: ${show(rank)}`);
}

function formatted(product: unknown): void {
  const type = word(at(product, 'product_type'));
  const [min, max] = [at(product, 'subscriber_id_min_length'), at(product, 'subscriber_id_max_length')];
  for (const length of [min, max]) {
    const right = length === null || length === undefined || (Number.isInteger(length) && Number(length) > 0);
    demand(right, 'a length or null', `${type} with a length that is ${show(length)}`);
  }
  const ordered = typeof min !== 'number' || typeof max !== 'number' || min <= max;
  demand(ordered, 'the least length not to be above the greatest', `${type}: ${show(min)} and ${show(max)}`);
  const pattern = at(product, 'subscriber_id_pattern');
  if (pattern === null || pattern === undefined) return;
  demand(compiled(pattern) !== undefined, 'a JavaScript pattern', `${type} with ${show(pattern)}`);
}

function fits(product: unknown, subscriber: string): boolean {
  const [min, max] = [at(product, 'subscriber_id_min_length'), at(product, 'subscriber_id_max_length')];
  const pattern = compiled(at(product, 'subscriber_id_pattern'));
  return (
    (typeof min !== 'number' || subscriber.length >= min) &&
    (typeof max !== 'number' || subscriber.length <= max) &&
    (pattern === undefined || pattern.test(subscriber))
  );
}

function compiled(pattern: unknown): RegExp | undefined {
  if (typeof pattern !== 'string') return undefined;
  try {
    return new RegExp(pattern);
  } catch {
    return undefined;
  }
}
