import { createServer } from 'node:http';

import { describe, expect, it, onTestFinished } from 'vitest';

import { createUpstream } from '../../src/datasources/facade.ts';
import { systemRuntime } from '../../src/system-runtime.ts';
import { Decimal } from '../../src/purchases/money.ts';
import type { Order } from '../../src/purchases/purchase.ts';
import { anOrder, bwp } from '../support/domain.ts';
import { surfaceNames, surfaceOptions, type SurfaceName } from './reading.ts';

interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** As it came: a parser would round what it is to show. */
  readonly text: string;
}

const session = { access_token: 'access-1', access_in: 3600, refresh_token: 'refresh-1' };

/** An upstream that says yes to everything and keeps the text of every body. */
async function open(now = new Date()) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      received.push({ method, url, headers, text });
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(url.includes('/auth/') ? { ...session, username: 'u' } : {}));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const baseUrl = `http://127.0.0.1:${port}`;
  const runtime = { ...systemRuntime(), now: () => now };
  const upstream = createUpstream({ ...surfaceOptions, baseUrl, runtime, surface: 'V1' });
  onTestFinished(async () => {
    await upstream.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const confirm = async (surface: SurfaceName, change: Partial<Order> = {}) => {
    await upstream.on(surface).confirm(anOrder({ surface, ...change }), 'GW-1', { requestId: 'mine' });
    const last = received.at(-1);
    if (last === undefined) throw new Error('nothing came');
    return last;
  };
  return { received, upstream, confirm };
}

const fieldsOf = ({ text }: Received): string[] => Object.keys(JSON.parse(text) as object).toSorted();

describe.each(surfaceNames)('what goes out on %s', (surface) => {
  it.each([
    ['100.00', '100'],
    ['100.10', '100.1'],
    ['0.01', '0.01'],
    ['0.0000001', '0.0000001'],
    ['123456789012.34', '123456789012.34'],
    ['99999999999999.99', '99999999999999.99'],
    ['12345678901234567890.12', '12345678901234567890.12'],
    ['1e21', '1000000000000000000000'],
  ])('an amount of %s is the JSON number %s, digit for digit', async (amount, digits) => {
    const { confirm } = await open();
    const { text } = await confirm(surface, { amount: bwp(amount) });
    expect(/"amount":([^,}]*)/.exec(text)?.[1]).toBe(digits);
    expect(new Decimal(digits).equals(amount)).toBe(true);
  });

  it('a phone number has no +, and what was not given is not there', async () => {
    const { confirm } = await open();
    const sent = await confirm(surface);
    expect(sent.text).toContain('"beneficiary_phone_number":"26771436390"');
    const common = [
      ...['amount', 'beneficiary_phone_number', 'charges_on_top_flag', 'currency', 'debited_account_id'],
      ...['external_reference', 'language', 'source_channel'],
    ];
    const own =
      surface === 'V1'
        ? ['product_type', 'provider_code', 'subscriber_identifier']
        : ['date', 'meter_number'];
    expect(fieldsOf(sent)).toEqual([...common, ...own].toSorted());
  });

  it('words are JSON, whatever they are made of', async () => {
    const { confirm } = await open();
    const comment = '"}, \\ "amount": 1, \u2028 ✓\n';
    const { text } = await confirm(surface, { comment });
    expect(JSON.parse(text)).toMatchObject({ comment, amount: 100 });
  });

  it('validate has no reference: there is nothing to find again', async () => {
    const { upstream, received } = await open();
    await upstream.on(surface).validate(anOrder({ surface }), { requestId: 'r' });
    expect(received.at(-1)?.url).toContain('validate');
    expect(received.at(-1)?.text).not.toContain('external_reference');
  });

  it('a retry names the reference, and no amount', async () => {
    const { upstream, received } = await open();
    await upstream.on(surface).retry(anOrder({ surface }), 'GW-1', { requestId: 'r' });
    expect(JSON.parse(received.at(-1)?.text ?? '')).toEqual({
      ...{ external_reference: 'GW-1', source_channel: 'WEB', language: 'en-BW' },
    });
  });

  it('the secrets go into the login alone, and the session into every other call', async () => {
    const { received, confirm } = await open();
    await confirm(surface);
    const [login, sent, ...more] = received;
    expect(more).toEqual([]);
    expect(login).toMatchObject({ method: 'POST', url: surface === 'V1' ? '/v1/auth/login' : '/auth/login' });
    expect(JSON.parse(login?.text ?? '')).toEqual({
      ...{ client_id: 'c', client_secret: 's', grant_type: 'password', identifier: 'u', secret_pass: 'p' },
      ...{ org_code: 'o', source_channel: 'WEB' },
    });
    expect(login?.headers['authorization']).toBeUndefined();
    expect(login?.headers['x-request-id']).toMatch(/^[\w-]{1,128}$/);
    expect(sent?.headers).toMatchObject({ authorization: 'Bearer access-1', 'x-request-id': 'mine' });
    expect(sent?.text).not.toMatch(/client_secret|secret_pass/);
  });
});

describe('Current’s date', () => {
  it.each([
    ['2026-11-23T10:00:05.999Z', '2026-11-23 12:00:05'],
    ['2026-12-31T22:00:00.000Z', '2027-01-01 00:00:00'],
    ['2028-02-28T23:30:00.000Z', '2028-02-29 01:30:00'],
  ])('at %s is %s, Botswana’s time', async (now, date) => {
    const { confirm } = await open(new Date(now));
    expect(JSON.parse((await confirm('CURRENT')).text)).toMatchObject({ date });
    expect((await confirm('V1')).text).not.toContain('"date"');
  });
});
