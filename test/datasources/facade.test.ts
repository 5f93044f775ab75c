import { describe, expect, it, onTestFinished } from 'vitest';

import { startSandbox } from '../../sandbox/sandbox.ts';
import { createUpstream } from '../../src/datasources/facade.ts';
import { systemRuntime } from '../../src/system-runtime.ts';
import { isProblem } from '../../src/purchases/problem.ts';
import type { Order } from '../../src/purchases/purchase.ts';
import { anOrder, bwp } from '../support/domain.ts';
import { surfaceNames, type SurfaceName } from './reading.ts';

async function open(baseUrl = (url: string) => url) {
  const sandbox = await startSandbox();
  const upstream = createUpstream({
    ...{ baseUrl: baseUrl(sandbox.url), surface: 'V1', credentials: sandbox.credentials },
    ...{ confirmTimeoutMs: 2_000, readTimeoutMs: 2_000, runtime: systemRuntime() },
  });
  onTestFinished(async () => {
    await upstream.close();
    await sandbox.close();
  });
  return { sandbox, upstream };
}

let calls = 0;
const call = () => ({ requestId: `request-${(calls += 1)}` });
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('both surfaces', () => {
  it('give the same domain types of the same purchase', async () => {
    const { sandbox, upstream } = await open();
    const bought = async (surface: SurfaceName) => {
      const vending = upstream.on(surface);
      const order = anOrder({ surface, subscriberIdentifier: '04040404198', amount: bwp('1100.10') });
      const priced = await vending.validate(order, call());
      if (isProblem(priced)) throw new Error(priced.message);
      const sent = await vending.confirm(order, `GW-${surface}`, call());
      if (sent.kind !== 'ANSWERED') throw new Error(sent.kind);
      const expected = { ...order, kind: 'CONFIRM', reference: `GW-${surface}`, requestId: 'r' } as const;
      const reading = vending.read(sent.answer, expected);
      if (reading.outcome !== 'SUCCEEDED') throw new Error(reading.outcome);
      const { tokens, units, charges, subscriber } = reading.vend;
      const kinds = tokens.map(({ kind }) => kind);
      return plain({ priced, kinds, units, charges, subscriber });
    };
    const [v1, current] = [await bought('V1'), await bought('CURRENT')];
    expect(v1).toEqual(current);
    expect(v1).toMatchObject({
      kinds: ['KEY_CHANGE', 'KEY_CHANGE', 'CREDIT'],
      charges: { total: { amount: '2127.6', currency: 'BWP' } },
    });
    expect(sandbox.ledger.map(({ surface }) => surface)).toEqual(['v1', 'current']);
  });

  it.each(surfaceNames)('%s writes what the contract asks for, and an id on every call', async (surface) => {
    const { sandbox, upstream } = await open();
    const order = anOrder({ surface, amount: bwp('100.10'), chargesOnTop: false, comment: 'for "mum"' });
    await upstream.on(surface).confirm(order, 'GW-1', { requestId: 'mine' });
    const sent = sandbox.calls.at(-1);
    expect(sent).toMatchObject({ endpoint: 'confirm', requestId: 'mine', status: 200 });
    const common = {
      ...{ source_channel: 'WEB', language: 'en-BW', debited_account_id: 13209, currency: 'BWP' },
      ...{ beneficiary_phone_number: '26771436390', amount: 100.1, charges_on_top_flag: false },
      ...{ comment: 'for "mum"', external_reference: 'GW-1' },
    };
    const own =
      surface === 'V1'
        ? { product_type: 'ELECTRICITY', provider_code: 'BPC', subscriber_identifier: '04040404040' }
        : { meter_number: '04040404040', date: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/) };
    expect(sent?.body).toEqual({ ...common, ...own });
    expect(sandbox.calls.every(({ requestId }) => requestId !== null && !requestId.startsWith('req_'))).toBe(
      true,
    );
  });

  it.each(surfaceNames)('%s asks again about a reference without charging', async (surface) => {
    const { sandbox, upstream } = await open();
    const vending = upstream.on(surface);
    const order = anOrder({ surface });
    await vending.confirm(order, 'GW-1', call());
    expect(await vending.retry(order, 'GW-1', call())).toMatchObject({ answer: { status: 200 } });
    expect(await vending.retry(order, 'GW-2', call())).toMatchObject({ answer: { status: 404 } });
    expect(sandbox.ledger).toHaveLength(1);
    expect(sandbox.calls.at(-1)?.body).toEqual({
      ...{ external_reference: 'GW-2', source_channel: 'WEB', language: 'en-BW' },
    });
  });

  it('tell who we are, and what there is to debit and to buy', async () => {
    const { upstream } = await open();
    for (const surface of surfaceNames) {
      const vending = upstream.on(surface);
      expect(await vending.identity(call())).toMatchObject({ username: 'sandbox-user' });
      const [wallet] = await vending.accounts(call());
      expect(wallet).toMatchObject({ id: 13209, currency: 'BWP', rank: 1 });
      expect(wallet?.balance?.amount.toFixed(2)).toBe(surface === 'V1' ? '1000000.00' : undefined);
    }
    const sold = (await upstream.on('V1').products(call())).map(({ type, surfaces }) => [type, surfaces]);
    expect(sold).toEqual([
      ['ELECTRICITY', ['V1', 'CURRENT']],
      ['AIRTIME', ['V1']],
      ['WATER', ['V1']],
    ]);
    const [only, ...others] = await upstream.on('CURRENT').products(call());
    expect(only).toMatchObject({ type: 'ELECTRICITY', providers: [{ code: 'BPC' }] });
    expect(others).toEqual([]);
  });

  it.each<[SurfaceName, Partial<Order>, string]>([
    ['CURRENT', { productType: 'AIRTIME' }, 'productType'],
    ['CURRENT', { productType: 'WATER' }, 'productType'],
    ['CURRENT', { sourceChannel: 'POS' }, 'sourceChannel'],
    ['V1', { sourceChannel: 'SMS_MO' }, 'sourceChannel'],
  ])('%s refuses %o before anything is sent', async (surface, change, field) => {
    const { sandbox, upstream } = await open();
    const order = anOrder({ surface, ...change });
    const refused = { type: 'INVALID_INPUT', fields: [{ field }] };
    expect(await upstream.on(surface).validate(order, call())).toMatchObject(refused);
    expect(await upstream.on(surface).confirm(order, 'GW-1', call())).toMatchObject({
      ...{ kind: 'NOT_SENT', problem: refused },
    });
    expect(sandbox.calls).toEqual([]);
  });

  it.each([
    ['with /v1 behind it', (url: string) => `${url}/v1`],
    ['with a slash behind it', (url: string) => `${url}/`],
    ['with both', (url: string) => `${url}/v1/`],
  ])('take an address %s', async (_what, baseUrl) => {
    const { upstream } = await open(baseUrl);
    for (const surface of surfaceNames)
      await expect(upstream.on(surface).ready(call())).resolves.toBeUndefined();
  });
});
