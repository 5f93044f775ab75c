import { meters, strangeMeter } from '../../probe/purchases.ts';
import { BAD_TOKEN } from '../../probe/side.ts';
import type { Bend, Exchange } from './bent.ts';

type Surface = Exchange['surface'];
type Edit = (exchange: Exchange) => unknown;
type Of = Exchange['endpoint'];

const KEY = { v1: 'subscriber_identifier', current: 'meter_number' } as const;
const confirmPath = { v1: '/v1/purchases/confirm', current: '/api/topup/confirm' } as const;

/** Every assumption that can be tried, bent in that one thing and no other. Made anew for each run. */
export const bends: ReadonlyMap<string, () => Bend> = new Map(
  (['v1', 'current'] as const).flatMap((surface) =>
    Object.entries({ ...shared(surface), ...(surface === 'v1' ? onV1() : onCurrent()) }).map(
      ([name, make]) => [`${surface}.${name}`, make] as const,
    ),
  ),
);

function shared(surface: Surface): Record<string, () => Bend> {
  const on = (endpoints: Of | readonly Of[], edit: Edit) => (): Bend => async (exchange) => {
    if (exchange.surface === surface && [endpoints].flat().includes(exchange.endpoint)) await edit(exchange);
  };
  const meterOf = ({ body }: Exchange) => String(body[KEY[surface]]);
  const onMeter = (endpoint: Of, meter: string, edit: Edit) =>
    on(endpoint, (exchange) => (meterOf(exchange) === meter ? edit(exchange) : undefined));
  /** What tells of a purchase: v1's answer itself, on Current its transaction. */
  const purchaseIn = ({ json }: Exchange) => (surface === 'v1' ? json : json.transaction);
  const owner = ({ json }: Exchange) => (surface === 'v1' ? json.subscriber : json.customer);
  const bought = (edit: Edit) =>
    on(['confirm', 'retry'], (exchange) => (exchange.status === 200 ? edit(exchange) : undefined));
  const asRefused = (exchange: Exchange) => {
    if (surface === 'v1') exchange.json.error.type = 'api_error';
    else exchange.json.response_code = '147';
  };
  const add = (text: string, more: number) => `BWP ${(Number(text.slice(4)) + more).toFixed(2)}`;
  /** Bends that remember. */
  const remembering = (make: () => Edit) => (): Bend => {
    const edit = make();
    return (exchange) => (exchange.surface === surface ? edit(exchange) : undefined);
  };
  const unauthorized = (exchange: Exchange) => {
    exchange.status = 401;
    exchange.json =
      surface === 'v1'
        ? { error: { type: 'authentication_error', code: 'expired', message: 'Expired.' } }
        : { response_code: '110', response_message: 'Expired.' };
  };
  const bearer = ({ sent }: Exchange) => String(sent.authorization).replace('Bearer ', '');

  return {
    'session.login': on('login', ({ json }) => (json.token_type = 'mac')),
    'session.lifetime': on('login', ({ json }) => (json.access_in *= 1000)),
    'session.refresh': on('refresh', ({ json }) => delete json.refresh_token),
    'session.refresh-once': remembering(() => {
      let first: unknown;
      return (exchange) => {
        if (exchange.endpoint !== 'refresh') return;
        if (exchange.status === 200) first = exchange.json;
        else Object.assign(exchange, { status: 200, json: first });
      };
    }),
    'session.overlap': remembering(() => {
      let latest: string | undefined;
      const dead = new Set<string>();
      return (exchange) => {
        if (exchange.endpoint === 'login') latest = exchange.json.access_token;
        if (exchange.endpoint === 'refresh' && latest !== undefined) dead.add(latest);
        if (dead.has(bearer(exchange))) unauthorized(exchange);
      };
    }),
    'session.parallel': remembering(() => {
      let latest: string | undefined;
      const dead = new Set<string>();
      return (exchange) => {
        if (exchange.endpoint === 'login') {
          if (latest !== undefined) dead.add(latest);
          latest = exchange.json.access_token;
        }
        if (dead.has(bearer(exchange))) unauthorized(exchange);
      };
    }),
    'session.logout': on('logout', (exchange) => (exchange.status = 405)),
    'session.unauthorized': on('me', (exchange) => {
      if (bearer(exchange) === BAD_TOKEN) exchange.status = 403;
    }),
    'me.who': on('me', ({ status, json }) => status === 200 && (json.roles = 'VENDOR')),
    'me.organisation': on('me', ({ status, json }) => status === 200 && (json.organisation.code = 'OTHERS')),

    'validate.answer': on(
      'validate',
      ({ status, json }) => status === 200 && delete json.transaction.commission,
    ),
    'validate.owner': on('validate', (exchange) => exchange.status === 200 && delete owner(exchange).name),
    'validate.money': on('validate', ({ status, json }) => {
      if (status === 200) json.transaction.total = `${json.transaction.total.slice(4)} BWP`;
    }),
    'validate.entry': on(['validate', 'confirm'], ({ status, json, body }) => {
      if (status !== 200 || body['amount'] !== 10) return;
      for (const name of ['entry', 'net', 'total']) json.transaction[name] = add(json.transaction[name], 1);
    }),
    'validate.decimals': on('validate', (exchange) => {
      if (Number.isInteger(exchange.body['amount'])) return;
      exchange.status = 400;
      exchange.json = { error: { type: 'validation_error', code: 'decimals' }, response_code: '120' };
    }),
    'validate.charges-on-top': on(['validate', 'confirm'], ({ status, json, body }) => {
      if (status === 200 && body['charges_on_top_flag'] === true)
        json.transaction.net = add(json.transaction.net, -1);
    }),
    'validate.charges-deducted': on('validate', ({ json, body }) => {
      if (body['charges_on_top_flag'] === false) json.transaction.total = add(json.transaction.total, 1);
    }),
    'validate.charges-default': on('validate', ({ json, body, status }) => {
      if (status === 200 && body['charges_on_top_flag'] === undefined)
        json.transaction.total = json.transaction.entry;
    }),
    'validate.free': on('validate', async ({ status, body, forward }) => {
      if (status === 200) await forward(confirmPath[surface], body);
    }),

    [`meter.${meters.thirteenDigits}`]: onMeter('validate', meters.thirteenDigits, (exchange) => {
      exchange.status = 422;
    }),
    ...Object.fromEntries(
      [meters.tariff, meters.split].map((meter) => [
        `meter.${meter}`,
        onMeter('validate', meter, ({ json }) => (json.transaction.charge = 'BWP 0.25')),
      ]),
    ),
    ...Object.fromEntries(
      [meters.blocked, meters.purchasesBlocked, meters.debt, meters.transactionsBlocked, meters.notFound].map(
        (meter) => [`meter.${meter}`, onMeter('validate', meter, asRefused)],
      ),
    ),
    ...Object.fromEntries(
      [meters.fixedCharge, meters.keyChange].map((meter) => [
        `meter.${meter}`,
        onMeter('validate', meter, (exchange) => {
          if (exchange.body['amount'] === 1000) asRefused(exchange);
        }),
      ]),
    ),
    'meter.other': onMeter('validate', strangeMeter, (exchange) => {
      exchange.status = 200;
    }),

    'confirm.status': bought((exchange) => (purchaseIn(exchange).status = 'COMPLETED')),
    'confirm.reference': bought((exchange) => {
      const purchase = purchaseIn(exchange);
      purchase.external_reference = purchase.external_reference.slice(0, 20);
    }),
    'confirm.their-reference': bought((exchange) => (purchaseIn(exchange).reference = null)),
    'confirm.subscriber': bought((exchange) => {
      owner(exchange)[surface === 'v1' ? 'identifier' : 'meter_number'] = '*******4040';
    }),
    'confirm.token': bought((exchange) => {
      if (owner(exchange)[surface === 'v1' ? 'identifier' : 'meter_number'] !== meters.happy) return;
      const purchase = purchaseIn(exchange);
      purchase.token = Number(purchase.token);
    }),
    'confirm.units': bought((exchange) => (purchaseIn(exchange).units = 'many')),
    'confirm.receipt': bought((exchange) => (purchaseIn(exchange).receipt_number = null)),
    'confirm.charges': onMeter(
      'confirm',
      meters.happy,
      ({ json }) => (json.transaction.commission = 'BWP 9.00'),
    ),
    'confirm.time': bought((exchange) => {
      const purchase = purchaseIn(exchange);
      const twoHours = 7_200_000;
      if (surface === 'current') purchase.timestamp = Number(purchase.timestamp) + twoHours;
      else purchase.created_at = new Date(Date.parse(purchase.created_at) + twoHours).toISOString();
    }),
    'confirm.debit': remembering(() => {
      const sent = new Set<unknown>();
      return async ({ endpoint, body, forward }) => {
        const { external_reference: reference, ...again } = body;
        if (endpoint !== 'confirm' || body[KEY[surface]] !== meters.happy || sent.has(reference)) return;
        sent.add(reference);
        await forward(confirmPath[surface], again);
      };
    }),
    'confirm.key-change': onMeter('confirm', meters.keyChange, (exchange) => {
      const purchase = purchaseIn(exchange);
      purchase.token = purchase.token.replaceAll('|', ',');
    }),
    'confirm.refused': onMeter('confirm', meters.blocked, (exchange) => {
      exchange.status = 200;
      exchange.json = { status: 'FAILED', token: null, transaction: { status: 'FAILED', token: null } };
    }),
    'confirm.refused-free': onMeter('confirm', meters.blocked, ({ body, forward }) =>
      forward(confirmPath[surface], { ...body, [KEY[surface]]: meters.happy, external_reference: undefined }),
    ),
    'confirm.not-idempotent': remembering(() => {
      const answers = new Map<string, unknown>();
      return (exchange) => {
        if (exchange.endpoint !== 'confirm') return;
        const reference = String(exchange.body['external_reference']);
        exchange.json = answers.get(reference) ?? exchange.json;
        answers.set(reference, exchange.json);
      };
    }),

    'retry.request': on('retry', (exchange) => {
      if (exchange.status === 404) exchange.status = 400;
    }),
    'retry.unknown': on('retry', ({ status, json }) => {
      if (status !== 404) return;
      if (surface === 'v1') json.error.code = 'no_such_reference';
      else json.response_code = '146';
    }),
    'retry.succeeded': on('retry', (exchange) => {
      if (exchange.status === 200) purchaseIn(exchange).token = '1'.repeat(20);
    }),
    'retry.shape': on('retry', (exchange) => exchange.status === 200 && delete purchaseIn(exchange).units),
    'retry.free': remembering(() => {
      let latest: Record<string, unknown> = {};
      return async ({ endpoint, status, body, forward }) => {
        if (endpoint === 'confirm' && body[KEY[surface]] === meters.happy)
          latest = { ...body, external_reference: undefined };
        if (endpoint === 'retry' && status === 200) await forward(confirmPath[surface], latest);
      };
    }),
    'retry.refused': on('retry', (exchange) => {
      if (exchange.status === 422) asRefused(exchange);
    }),
  };
}

function onV1(): Record<string, () => Bend> {
  const on = (endpoint: Of, edit: Edit) => (): Bend => async (exchange) => {
    if (exchange.surface === 'v1' && exchange.endpoint === endpoint) await edit(exchange);
  };
  const withoutPhone = (edit: Edit) =>
    on('validate', (exchange) => ('beneficiary_phone_number' in exchange.body ? undefined : edit(exchange)));
  const idSent = ({ sent }: Exchange) => String(sent['x-request-id'] ?? '');
  const code = (subscriber: string, amount?: number) =>
    on('validate', ({ body, json }) => {
      if (body['subscriber_identifier'] === subscriber && (amount ?? body['amount']) === body['amount'])
        json.error.code = 'another_code';
    });
  return {
    'me.no-accounts': on('me', ({ status, json }) => status === 200 && (json.accounts = [])),
    'accounts.list': on('accounts', ({ json }) => json.forEach((one: any) => (one.id = String(one.id)))),
    'accounts.kinds': on('accounts', ({ json }) => (json.at(-1).category = 'SAVINGS')),
    'accounts.balance': on('accounts', ({ json }) => {
      const millions = /(\d)(?=(\d{3})+\.)/g;
      json.forEach((one: any) => (one.balance = one.balance.replace(millions, '$1,')));
    }),
    'accounts.one': on('account', (exchange) => {
      if (exchange.status === 200) exchange.json = [exchange.json];
    }),
    'accounts.not-yours': on('account', (exchange) => {
      if (exchange.status === 404) exchange.status = 403;
    }),
    'error.not-found': on('account', ({ status, json }) => {
      if (status === 404) json.error.type = 'missing_error';
    }),
    'products.list': on('products', ({ json }) => (json[1].display_name = null)),
    'products.types': on('products', ({ json }) => json.push({ ...json[2], product_type: 'GAS' })),
    'products.format': on('products', ({ json }) => (json[2].subscriber_id_pattern = '^[0-9')),
    'products.electricity': on('products', ({ json }) => (json[0].providers[0].code = 'BPC-BW')),
    'code.meter_blocked': code(meters.blocked),
    'code.meter_purchases_blocked': code(meters.purchasesBlocked),
    'code.meter_debt_outstanding': code(meters.debt),
    'code.meter_transactions_blocked': code(meters.transactionsBlocked),
    'code.meter_not_found': code(meters.notFound),
    'code.purchase_amount_too_low': code(meters.fixedCharge, 1000),
    'error.envelope': on('validate', ({ status, json }) => status === 422 && delete json.error.doc_url),
    'error.validation': withoutPhone(({ json }) => (json.error.type = 'invalid_request_error')),
    'error.param': withoutPhone(({ json }) => (json.error.param = 'beneficiaryPhoneNumber')),
    'confirm.airtime': on('confirm', ({ body, json }) => {
      if (body['product_type'] === 'AIRTIME') json.token = 'sent by SMS';
    }),
    'confirm.water': on('confirm', ({ body, json }) => {
      if (body['product_type'] === 'WATER') json.token = null;
    }),
    'request-id.echo': on('me', (exchange) => {
      if (idSent(exchange) !== '' && idSent(exchange).length < 128)
        exchange.headers['x-request-id'] = 'req_1';
    }),
    'request-id.longest': on('me', (exchange) => {
      if (idSent(exchange).length === 128) exchange.headers['x-request-id'] = idSent(exchange).slice(0, 64);
    }),
    'request-id.made': on('me', (exchange) => {
      if (idSent(exchange) === '') exchange.headers = {};
    }),
    'request-id.in-errors': on('validate', ({ status, json }) => {
      if (status === 422) json.error.request_id = 'req_2';
    }),
    'request-id.always': on('products', (exchange) => (exchange.headers = {})),
  };
}

function onCurrent(): Record<string, () => Bend> {
  const on = (endpoint: Of, edit: Edit) => (): Bend => async (exchange) => {
    if (exchange.surface === 'current' && exchange.endpoint === endpoint) await edit(exchange);
  };
  const coded = (number: string) =>
    on('validate', ({ json }) => {
      if (json.response_code === number) json.response_code = '120';
    });
  const okMe = (edit: Edit) => on('me', (exchange) => (exchange.status === 200 ? edit(exchange) : undefined));
  return {
    'me.accounts': okMe(({ json }) => json.accounts.forEach((one: any) => (one.id = String(one.id)))),
    'me.kinds': okMe(({ json }) => (json.accounts[0].rank = 'first')),
    'me.same-accounts': okMe(({ json }) => json.accounts.push({ ...json.accounts[3], id: 7 })),
    'error.envelope': on('validate', ({ status, json }) => status === 422 && delete json.developer_message),
    'error.empty': coded('136'),
    'error.phone': coded('104'),
    'error.account': coded('146'),
    'error.currency': coded('163'),
    'request-id.none': on('me', (exchange) => {
      exchange.headers['x-request-id'] = String(exchange.sent['x-request-id']);
    }),
  };
}
