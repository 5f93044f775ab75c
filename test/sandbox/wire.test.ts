import { once } from 'node:events';
import { connect } from 'node:net';

import { describe, expect, it } from 'vitest';

import type { FaultRequest, Sandbox } from '../../sandbox/sandbox.ts';
import { eventually, login, open, paths, purchase, surfaces, type Surface } from './raw-client.ts';

/** So long that no test waits for its end. */
const FOR_EVER = 600_000;

/** Every byte that comes back for a confirm until the connection ends, or until `enough` says so. */
async function bytesOfConfirm(sandbox: Sandbox, surface: Surface, enough = (_bytes: string) => false) {
  const { token } = await login(sandbox, surface);
  const json = JSON.stringify(purchase(surface));
  const socket = connect(Number(new URL(sandbox.url).port), '127.0.0.1');
  const head = [
    `POST ${paths[surface].confirm} HTTP/1.1`,
    ...['host: sandbox', 'connection: close', 'content-type: application/json'],
    ...[`authorization: Bearer ${token}`, `content-length: ${json.length}`],
  ];
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    if (enough(text)) socket.destroy();
  });
  socket.on('error', () => undefined);
  socket.write(`${head.join('\r\n')}\r\n\r\n${json}`);
  await once(socket, 'close');
  const end = text.indexOf('\r\n\r\n');
  const headers = text.slice(0, end).toLowerCase();
  return {
    text,
    headers,
    body: text.slice(end + 4),
    length: Number(/content-length: (\d+)/.exec(headers)?.[1]),
  };
}

describe.each(surfaces)('on the wire of %s', (surface) => {
  const struck = async (fault: Omit<FaultRequest, 'endpoint'>, enough?: (text: string) => boolean) => {
    const sandbox = await open();
    sandbox.addFault({ endpoint: 'confirm', ...fault });
    const seen = await bytesOfConfirm(sandbox, surface, enough);
    return { ...seen, sandbox, record: sandbox.calls.at(-1) };
  };

  it.each([
    ['drop_before', 0],
    ['drop_after', 1],
  ] as const)('%s sends not a byte', async (kind, debits) => {
    const { text, sandbox, record } = await struck({ kind });
    expect(text).toBe('');
    expect(sandbox.ledger).toHaveLength(debits);
    expect(record).toMatchObject({ status: null, processed: debits === 1, fault: kind });
  });

  it('late_landing sends not a byte, long before it lands', async () => {
    const { text, sandbox, record } = await struck({ kind: 'late_landing', delayMs: FOR_EVER });
    expect(text).toBe('');
    expect(record).toMatchObject({ status: null, processed: false });
    expect(sandbox.ledger).toHaveLength(0);
  });

  it('late_landing lands as an ordinary confirm, once', async () => {
    const { sandbox, record } = await struck({ kind: 'late_landing', delayMs: 10 });
    await eventually(() => record?.processed).toBe(true);
    expect(sandbox.ledger).toHaveLength(1);
    expect(record?.status).toBeNull();
  });

  it('cut_off sends half of what it announces', async () => {
    const { headers, body, length, sandbox } = await struck({ kind: 'cut_off' });
    expect(headers).toMatch(/^http\/1.1 200 /);
    expect(body).toHaveLength(Math.ceil(length / 2));
    expect(() => void JSON.parse(body)).toThrow();
    expect(sandbox.ledger).toHaveLength(1);
  });

  it('trickle announces the whole and begins with one byte', async () => {
    const begun = (text: string) => /\r\n\r\n./.test(text);
    const { headers, body, length, sandbox } = await struck({ kind: 'trickle', delayMs: FOR_EVER }, begun);
    expect(headers).toMatch(/^http\/1.1 200 /);
    expect(body).toBe('{');
    expect(length).toBeGreaterThan(100);
    expect(sandbox.ledger).toHaveLength(1);
  });

  it('empty is a 200 of JSON without a byte of it', async () => {
    const { headers, body, sandbox } = await struck({ kind: 'empty' });
    expect(headers).toMatch(/^http\/1.1 200 [^]*content-type: application\/json/);
    expect(body.replace(/^0\r\n\r\n$/, '')).toBe('');
    expect(sandbox.ledger).toHaveLength(1);
  });

  it('garbage claims to be JSON, html_error does not', async () => {
    const garbage = await struck({ kind: 'garbage' });
    expect(garbage.headers).toContain('content-type: application/json');
    expect(garbage.body).not.toContain('SUCCESS');
    const html = await struck({ kind: 'html_error', status: 504 });
    expect(html.headers).toMatch(/^http\/1.1 504 [^]*content-type: text\/html/);
  });

  it.each([
    ['delay_before', 0],
    ['delay_after', 1],
  ] as const)('%s keeps the caller waiting, with %d debits meanwhile', async (kind, debits) => {
    const sandbox = await open();
    sandbox.addFault({ endpoint: 'confirm', kind, delayMs: FOR_EVER });
    const waiting = bytesOfConfirm(sandbox, surface);
    const record = () => sandbox.calls.find(({ endpoint }) => endpoint === 'confirm');
    await eventually(() => record()?.fault).toBe(kind);
    // Whatever that confirm does at once, it has done when a later call has been answered.
    expect((await (await login(sandbox, surface)).buy({}, 'validate')).status).toBe(200);
    expect(sandbox.ledger).toHaveLength(debits);
    expect(record()).toMatchObject({ status: null, processed: debits === 1 });
    await sandbox.close();
    expect((await waiting).text).toBe('');
  });

  it('processing that takes long is over before the debit and the answer', async () => {
    const slow = await open({ processingMs: FOR_EVER });
    const waiting = bytesOfConfirm(slow, surface);
    await eventually(() => slow.calls.map(({ endpoint }) => endpoint)).toEqual(['login', 'confirm']);
    expect((await (await login(slow, surface)).get(paths[surface].me)).status).toBe(200);
    expect(slow.ledger).toHaveLength(0);
    await slow.close();
    expect((await waiting).text).toBe('');
    const quick = await open({ processingMs: 1 });
    expect((await bytesOfConfirm(quick, surface)).headers).toMatch(/^http\/1.1 200 /);
  });

  it('an error, a rate limit and an expired session come in its own envelope', async () => {
    const sandbox = await open();
    const { buy } = await login(sandbox, surface);
    const error = { status: 503, type: 'api_error', code: '147', message: 'Not now.', retryable: true };
    sandbox.addFault({ endpoint: 'confirm', kind: 'error', ...error });
    sandbox.addFault({ endpoint: 'confirm', kind: 'rate_limit', retryAfterSeconds: 9 });
    sandbox.addFault({ endpoint: 'confirm', kind: 'unauthorized' });
    const answers = [await buy(), await buy(), await buy()];
    expect(answers.map(({ status }) => status)).toEqual([503, 429, 401]);
    expect(answers.map(({ headers }) => headers.get('retry-after'))).toEqual([null, '9', null]);
    const told = answers.map(({ body }) => (surface === 'v1' ? body['error'] : body));
    if (surface === 'v1') {
      expect(told[0]).toMatchObject({ type: 'api_error', code: '147', message: 'Not now.', retryable: true });
      expect(told[1]).toMatchObject({ type: 'rate_limit_error', code: 'rate_limited', retryable: true });
      expect(told[2]).toMatchObject({ type: 'authentication_error', retryable: false });
    } else {
      expect(told[0]).toMatchObject({ response_code: '147', response_message: 'Not now.' });
      expect(told[1]).toMatchObject({ response_code: '429', response_message: expect.any(String) });
      expect(told[2]).toMatchObject({ response_code: '110', response_message: expect.any(String) });
    }
    expect(sandbox.ledger).toHaveLength(0);
  });
});
