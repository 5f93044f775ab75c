import { userInfo } from 'node:os';

import { beforeEach, expect, it, onTestFinished } from 'vitest';

import { openSqliteRecord } from '../../src/journal/sqlite.ts';
import type { JournalRecord } from '../../src/purchases/journal.ts';
import type { Purchase } from '../../src/purchases/purchase.ts';
import { later, mandate, newAttempt, newPurchase, purchaseIn } from '../journal/fixtures.ts';
import { tempPath } from '../journal/sqlite-fixtures.ts';
import { command } from '../support/operator.ts';

let path: string;
let record: JournalRecord;
let shop: Purchase;
let kiosk: Purchase;
beforeEach(async () => {
  path = await tempPath();
  record = await openSqliteRecord({ path });
  onTestFinished(() => record.close());
  const key = { idempotencyKey: 'the key' };
  shop = await purchaseIn(record.of('shop'), 'NEEDS_ATTENTION', key);
  kiosk = await purchaseIn(record.of('kiosk'), 'NEEDS_ATTENTION', { ...key, createdAt: later(1) });
});

const purchases = (...argv: string[]) => command('purchases', argv, path, { now: later(600_000) });
const trail = (integration: string) => record.of(integration).auditTrail({ limit: 100 });

it('list shows all integrations, the newest first, each with its name, or one of them', async () => {
  const { out } = await purchases('list');
  expect(out).toMatch(new RegExp(`integration[^]*kiosk.*${kiosk.reference}[^]*shop.*${shop.reference}`));
  const one = JSON.parse((await purchases('list', '--integration', 'shop', '--json')).out) as {
    purchases: { reference: string; integration: string }[];
  };
  expect(one.purchases).toMatchObject([{ reference: shop.reference, integration: 'shop' }]);
  const limited = JSON.parse((await purchases('list', '--limit', '1', '--json')).out) as object;
  expect(limited).toMatchObject({ purchases: [{ reference: kiosk.reference }], more: true });
  const none = await purchases('list', '--integration', 'elsewhere');
  expect([none.code, none.err]).toEqual([
    1,
    '--integration: nothing is recorded of "elsewhere", but of: kiosk, shop.\n',
  ]);
});

it('a key that several integrations have is asked back for, a reference is one purchase in all', async () => {
  const both = await purchases('show', 'the key');
  expect([both.code, both.err]).toEqual([
    1,
    'Several integrations have a purchase of that key: kiosk, shop. Say which with --integration.\n',
  ]);
  const { out } = await purchases('show', 'the key', '--integration', 'shop');
  expect(out).toMatch(new RegExp(`${shop.reference}[^]*integration +.*shop`));
  expect((await purchases('show', kiosk.reference)).out).toContain('kiosk');
  expect((await purchases('show', kiosk.reference, '--integration', 'shop')).err).toContain('no purchase');
});

it('what is settled in one leaves the other alone', async () => {
  const how = ['--as', 'failed', '--reason', 'not in the ledger', '--author', 'kagiso', '--yes'];
  expect((await purchases('settle', 'the key', '--integration', 'kiosk', ...how)).code).toBe(0);
  expect((await record.of('kiosk').purchase('id', kiosk.id))?.status).toBe('FAILED');
  expect((await record.of('shop').purchase('id', shop.id))?.status).toBe('NEEDS_ATTENTION');
  expect(await trail('kiosk')).toMatchObject([
    { action: 'SETTLED', name: 'kagiso', reason: 'not in the ledger' },
  ]);
  expect(await trail('shop')).toEqual([]);
});

it('a statement totals each integration on its own, and can be of one', async () => {
  for (const [name, total] of [
    ['shop', 2],
    ['kiosk', 1],
  ] as const)
    for (let n = 0; n < total; n += 1) await purchaseIn(record.of(name), 'SUCCEEDED');
  const { out } = await purchases('statement', '--date', '2026-03-01');
  const totals = out.split('\r\n').filter((line) => line.startsWith('TOTAL'));
  expect(totals.map((line) => line.split(',').slice(-4))).toEqual([
    ['1', '1', '1', 'kiosk'],
    ['2', '1', '2', 'shop'],
  ]);
  const one = await purchases('statement', '--date', '2026-03-01', '--integration', 'kiosk');
  expect(one.out.split('\r\n').filter((line) => line.startsWith('TOTAL'))).toHaveLength(1);
});

it('who has secrets shown stands in the audit trail, before they are shown', async () => {
  expect((await purchases('show', shop.reference)).code).toBe(0);
  expect((await purchases('list')).code).toBe(0);
  expect(await trail('shop')).toEqual([]);
  await purchases('show', shop.reference, '--reveal', '--author', 'naledi');
  await purchases('list', '--reveal', '--json');
  expect(await trail('shop')).toMatchObject([
    { action: 'REVEALED', actor: 'OPERATOR', name: userInfo().username, at: later(600_000) },
    { action: 'REVEALED', actor: 'OPERATOR', name: 'naledi', purchaseId: shop.id },
  ]);
  expect(await trail('kiosk')).toHaveLength(1);
  const nobody = await purchases('show', shop.reference, '--reveal', '--author', ' ');
  expect([nobody.code, nobody.out]).toEqual([1, '']);
  const airtime = await purchaseIn(record.of('shop'), 'SUCCEEDED', { order: { productType: 'AIRTIME' } });
  await purchases('statement', '--date', '2026-03-01', '--reveal', '--author', 'thabo');
  expect((await trail('shop'))[0]).toMatchObject({ name: 'thabo', purchaseId: airtime.id });
});

it('audit tells the trail, of all or of one purchase', async () => {
  await record.of('shop').begin(newPurchase(), newAttempt(), mandate({ caller: 'till 7' }));
  await purchases('show', kiosk.reference, '--reveal', '--author', 'naledi');
  const { out } = await purchases('audit');
  expect(out).toMatch(/REVEALED.*OPERATOR.*naledi[^]*CONFIRMED.*CALLER.*till 7[^]*2 entries\./);
  const one = await purchases('audit', kiosk.reference);
  expect(one.out).toContain('naledi');
  expect(one.out).not.toContain('till 7');
  expect((await purchases('audit', '--integration', 'shop', '--limit', '1')).out).toContain('1 entry.');
  expect((await purchases('audit', 'nothing')).code).toBe(1);
});
