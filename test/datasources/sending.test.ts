import { describe, expect, it, onTestFinished } from 'vitest';

import { startSandbox, type Sandbox } from '../../sandbox/sandbox.ts';
import { createUpstream } from '../../src/datasources/facade.ts';
import type { UpstreamCall } from '../../src/datasources/transport.ts';
import { systemRuntime } from '../../src/system-runtime.ts';
import { anOrder } from '../support/domain.ts';
import { surfaceNames, type SurfaceName } from './reading.ts';

interface Options {
  readonly password?: string;
  readonly observe?: (call: UpstreamCall) => void;
}

async function open(surface: SurfaceName, { password, observe }: Options = {}) {
  const sandbox = await startSandbox();
  const credentials = { ...sandbox.credentials, ...(password === undefined ? {} : { password }) };
  const upstream = createUpstream({
    ...{ baseUrl: sandbox.url, surface, credentials, observe, runtime: systemRuntime() },
    ...{ confirmTimeoutMs: 2_000, readTimeoutMs: 2_000 },
  });
  onTestFinished(async () => {
    await upstream.close();
    await sandbox.close();
  });
  const vending = upstream.on(surface);
  const order = anOrder({ surface });
  let asked = 0;
  return {
    ...{ sandbox, vending },
    confirm: (reference = 'GW-1') => vending.confirm(order, reference, { requestId: `confirm-${reference}` }),
    retry: (reference = 'GW-1') =>
      vending.retry(order, reference, { requestId: `retry-${String((asked += 1))}` }),
  };
}

const sends = ({ calls }: Sandbox, endpoint: string) =>
  calls.filter((one) => one.endpoint === endpoint).map(({ status }) => status);

describe.each(surfaceNames)('a confirm on %s', (surface) => {
  it('whose session has ended is made again once, and debits once', async () => {
    const { sandbox, vending, confirm } = await open(surface);
    await vending.ready({ requestId: 'r' });
    sandbox.expireTokens();
    expect(await confirm()).toMatchObject({ kind: 'ANSWERED', answer: { status: 200, complete: true } });
    expect(sends(sandbox, 'confirm')).toEqual([401, 200]);
    expect(sandbox.ledger).toHaveLength(1);
  });

  it('one of many whose session has ended is made again once each, after one new session', async () => {
    const { sandbox, vending, confirm } = await open(surface);
    await vending.ready({ requestId: 'r' });
    sandbox.expireTokens();
    await Promise.all(Array.from({ length: 50 }, (_, index) => confirm(`GW-${index}`)));
    expect(sends(sandbox, 'login').length + sends(sandbox, 'refresh').length).toBe(2);
    for (let index = 0; index < 50; index += 1) {
      const own = sandbox.calls.filter(({ externalReference }) => externalReference === `GW-${index}`);
      expect(own.map(({ status }) => status)).toEqual([401, 200]);
    }
    expect(new Set(sandbox.ledger.map(({ externalReference }) => externalReference)).size).toBe(50);
    expect(sandbox.ledger).toHaveLength(50);
  });

  it('that is refused with 401 twice is not made a third time: the 401 is the answer', async () => {
    const { sandbox, confirm } = await open(surface);
    sandbox.addFault({ endpoint: 'confirm', kind: 'unauthorized', count: null });
    expect(await confirm()).toMatchObject({ kind: 'ANSWERED', answer: { status: 401 } });
    expect(sends(sandbox, 'confirm')).toEqual([401, 401]);
    expect(sandbox.ledger).toEqual([]);
  });

  it('that is refused with 401 and gets no new session: the 401 is the answer', async () => {
    const { sandbox, vending, confirm } = await open(surface);
    await vending.ready({ requestId: 'r' });
    sandbox.expireTokens();
    for (const endpoint of ['login', 'refresh'] as const)
      sandbox.addFault({ endpoint, kind: 'html_error', count: null });
    expect(await confirm()).toMatchObject({ kind: 'ANSWERED', answer: { status: 401 } });
    expect(sends(sandbox, 'confirm')).toEqual([401]);
  });

  it('R4: whose second sending is lost is LOST, whatever the 401 before it said', async () => {
    const { sandbox, vending, confirm } = await open(surface);
    await vending.ready({ requestId: 'r' });
    sandbox.addFault({ endpoint: 'confirm', kind: 'unauthorized' });
    sandbox.addFault({ endpoint: 'confirm', kind: 'drop_after' });
    expect((await confirm()).kind).toBe('LOST');
    expect(sandbox.ledger).toHaveLength(1);
  });

  it.each(['drop_before', 'drop_after'] as const)('R1: is not made again after a %s', async (kind) => {
    const { sandbox, confirm } = await open(surface);
    sandbox.addFault({ endpoint: 'confirm', kind });
    expect((await confirm()).kind).toBe('LOST');
    expect(sends(sandbox, 'confirm')).toHaveLength(1);
    expect(sandbox.ledger).toHaveLength(kind === 'drop_after' ? 1 : 0);
  });

  it.each(['html_error', 'garbage', 'empty', 'cut_off', 'rate_limit', 'pending', 'failed', 'huge'] as const)(
    'R1: is not made again after a %s',
    async (kind) => {
      const { sandbox, confirm } = await open(surface);
      sandbox.addFault({ endpoint: 'confirm', kind });
      expect((await confirm()).kind).toBe('ANSWERED');
      expect(sends(sandbox, 'confirm')).toHaveLength(1);
    },
  );

  it('with credentials that are refused is NOT_SENT', async () => {
    const { sandbox, confirm } = await open(surface, { password: 'wrong' });
    const problem = { type: 'AUTHENTICATION', retryable: true };
    expect(await confirm()).toMatchObject({ kind: 'NOT_SENT', problem });
    expect(sends(sandbox, 'confirm')).toEqual([]);
  });

  it.each(['drop_after', 'html_error', 'garbage', 'rate_limit'] as const)(
    'whose login fails by %s is NOT_SENT, and the next one is sent',
    async (kind) => {
      const { sandbox, confirm } = await open(surface);
      sandbox.addFault({ endpoint: 'login', kind, retryAfterSeconds: 0 });
      expect(await confirm('GW-1')).toMatchObject({ kind: 'NOT_SENT', problem: { retryable: true } });
      expect(sends(sandbox, 'confirm')).toEqual([]);
      expect(await confirm('GW-2')).toMatchObject({ kind: 'ANSWERED', answer: { status: 200 } });
    },
  );

  it('with nobody upstream is NOT_SENT', async () => {
    const { sandbox, vending, confirm, retry } = await open(surface);
    await vending.ready({ requestId: 'r' });
    await sandbox.close();
    expect((await confirm()).kind).toBe('NOT_SENT');
    expect((await retry()).kind).toBe('NOT_SENT');
  });

  it('R4: is never said to be NOT_SENT because of what broke after it was sent', async () => {
    const observe = ({ endpoint }: UpstreamCall) => {
      if (endpoint === 'confirm') throw new Error('the log cannot be written');
    };
    const { sandbox, confirm } = await open(surface, { observe });
    expect((await confirm()).kind).toBe('LOST');
    expect(sandbox.ledger).toHaveLength(1);
  });

  it('R4: is never said to be refused because of what broke after its second sending', async () => {
    const observe = ({ endpoint, status }: UpstreamCall) => {
      if (endpoint === 'confirm' && status === 200) throw new Error('the log cannot be written');
    };
    const { sandbox, confirm } = await open(surface, { observe });
    sandbox.addFault({ endpoint: 'confirm', kind: 'unauthorized' });
    expect((await confirm()).kind).toBe('LOST');
    expect(sandbox.ledger).toHaveLength(1);
  });
});

describe.each(surfaceNames)('every call on %s', (surface) => {
  it('is observed once, with its request id and without a secret', async () => {
    const seen: UpstreamCall[] = [];
    const { sandbox, vending, confirm, retry } = await open(surface, {
      observe: (one) => void seen.push(one),
    });
    await vending.ready({ requestId: 'r' });
    sandbox.expireTokens();
    await confirm();
    await retry();
    const brief = sandbox.calls.map(({ endpoint, requestId, status }) => ({ endpoint, requestId, status }));
    expect(seen.map(({ endpoint, requestId, status }) => ({ endpoint, requestId, status }))).toEqual(brief);
    expect(brief.map(({ endpoint }) => endpoint)).toEqual(['login', 'confirm', 'login', 'confirm', 'retry']);
    expect(seen.every((one) => one.surface === surface && one.outcome === 'ANSWERED')).toBe(true);
    const { clientSecret, password } = sandbox.credentials;
    const tokens = sandbox.ledger.flatMap((entry) => entry.tokens);
    expect(tokens).toHaveLength(1);
    for (const secret of [clientSecret, password, '26771436390', 'Bearer', ...tokens])
      expect(JSON.stringify(seen)).not.toContain(secret);
  });
});
