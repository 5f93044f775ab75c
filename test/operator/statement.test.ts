import { describe, expect, it } from 'vitest';

import { statementCsv, type Entry } from '../../src/operator/statement-rows.ts';
import { dayIn, HOME_ZONE, instantIn, isZone, shown } from '../../src/operator/zone.ts';
import type { Purchase } from '../../src/purchases/purchase.ts';
import { MemoryJournal, MemoryRecord } from '../simulation/memory-journal.ts';
import { anOrder, aPurchase, bwp, someTime } from '../support/domain.ts';

const charges = (total: string, charge: string, commission: string) => ({
  ...{ entry: bwp(total), net: null, total: bwp(total), charge: bwp(charge), commission: bwp(commission) },
});
const record = new MemoryRecord();
let made = 0;
function entry(change: Partial<Purchase>, by = false, integration = 'default'): Entry {
  made += 1;
  const id = `019365f0-0000-7000-8000-${String(made).padStart(12, '0')}`;
  const token = { kind: 'CREDIT', digits: '12345678901234567890' } as const;
  const settled = { status: 'SUCCEEDED', settledAt: someTime, tokens: [token] } as const;
  const purchase = aPurchase({ id, ...settled, ...change });
  const journal = new MemoryJournal(record, { instance: 'one', shared: false, integration });
  return { journal, purchase, byHand: by ? { author: 'kagiso', reason: 'seen' } : null };
}
/** Its rows by name; no cell of these holds a comma. */
function read(csv: string): Record<string, string>[] {
  const [head = '', ...lines] = csv.trimEnd().split('\r\n');
  const names = head.split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    expect(cells).toHaveLength(names.length);
    return Object.fromEntries(names.map((name, at) => [name, cells[at] ?? '']));
  });
}

describe('the statement', () => {
  it('has a row for each purchase and a total for each account and currency, exact to the last digit', () => {
    const other = anOrder({ accountId: 2, amount: { ...bwp('5'), currency: 'ZAR' } });
    const many = Array.from({ length: 10 }, () => entry({ charges: charges('0.10', '0.01', '-0.003') }));
    const rows = read(
      statementCsv(
        [
          ...many,
          entry({ charges: charges('999999999999.99', '0.01', '0') }, true),
          entry({ charges: null }),
          entry({ status: 'UNRESOLVED', settledAt: null, tokens: [], charges: charges('7', '7', '7') }),
          entry({ order: other, status: 'NEEDS_ATTENTION', settledAt: null, tokens: [] }),
        ],
        HOME_ZONE,
      ),
    );
    expect(rows.map(({ row, account, currency }) => `${row} ${account} ${currency}`)).toEqual([
      ...['PURCHASE 2 ZAR', 'TOTAL 2 ZAR'],
      ...Array.from({ length: 13 }, () => 'PURCHASE 13209 BWP'),
      'TOTAL 13209 BWP',
    ]);
    expect(rows[1]).toMatchObject({ total: '0.00', succeeded: '0', unresolved: '1', tokens: '0' });
    expect(rows.at(-1)).toMatchObject({
      ...{ total: '1000000000000.99', charge: '0.11', commission: '-0.03', net: '0.00' },
      ...{ tokens: '12', succeeded: '12', unresolved: '1', without_total: '1', amount: '1200.00' },
    });
    expect(rows[2]).toMatchObject({
      ...{ meter: '04040404040', product: 'ELECTRICITY', provider: 'BPC', status: 'SUCCEEDED' },
      ...{ settled: '2026-11-23T12:00:00+02:00', total: '0.10', commission: '-0.003', by_hand: 'no' },
    });
    expect(rows.filter(({ by_hand }) => by_hand === 'yes')).toHaveLength(1);
    const open = rows.find(({ status }) => status === 'UNRESOLVED');
    expect(open).toMatchObject({ amount: '100.00', total: '', charge: '', settled: '', unresolved: '1' });
  });

  it('is empty but for its head when there is nothing to state', () => {
    expect(read(statementCsv([], HOME_ZONE))).toEqual([]);
    expect(statementCsv([], HOME_ZONE)).toMatch(/^row,account,currency,reference,/);
  });

  it.each(['=1+1', '+1', '-1+1', '@sum', '\tx', '＝1', '-', '--1'])('makes %j harmless', (receiptNumber) => {
    expect(statementCsv([entry({ receiptNumber })], HOME_ZONE)).toContain(`'${receiptNumber}`);
  });

  it('quotes what would break a row', () => {
    const csv = statementCsv([entry({ receiptNumber: 'a,"b"\nc' })], HOME_ZONE);
    expect(csv).toContain('"a,""b""\nc"');
  });

  it('shows the number that airtime was bought for only when it is asked to', () => {
    const airtime = entry({ order: anOrder({ productType: 'AIRTIME', subscriberIdentifier: '74000001' }) });
    expect(statementCsv([airtime], HOME_ZONE)).toContain(',****0001,');
    expect(statementCsv([airtime], HOME_ZONE, true)).toContain(',74000001,');
  });

  it('tells no token', () => {
    expect(statementCsv([entry({})], HOME_ZONE, true)).not.toContain('7890');
  });
});

describe('a day', () => {
  it.each([
    [HOME_ZONE, '2026-03-01', '2026-02-28T22:00:00.000Z', '2026-03-01T22:00:00.000Z'],
    ['UTC', '2024-02-29', '2024-02-29T00:00:00.000Z', '2024-03-01T00:00:00.000Z'],
    ['Europe/Berlin', '2026-03-29', '2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z'],
    ['Europe/Berlin', '2026-10-25', '2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z'],
    // Its midnight is skipped.
    ['Asia/Beirut', '2026-03-29', '2026-03-28T22:00:00.000Z', '2026-03-29T21:00:00.000Z'],
  ])('in %s, %s', (zone, date, from, until) => {
    expect(dayIn(zone, date)).toEqual({ from: new Date(from), until: new Date(until) });
  });

  it.each(['2026-02-30', '2026-13-01', '1 March', '', '2026-3-1', '2026-03-01T00:00'])(
    'is not %j',
    (date) => {
      expect(dayIn(HOME_ZONE, date)).toBeUndefined();
    },
  );

  it('and its instants are those of the zone', () => {
    expect(instantIn(HOME_ZONE, '2026-03-01')).toEqual(new Date('2026-02-28T22:00:00Z'));
    expect(instantIn(HOME_ZONE, '2026-03-01T12:00Z')).toEqual(new Date('2026-03-01T12:00:00Z'));
    expect(instantIn(HOME_ZONE, 'yesterday')).toBeUndefined();
    expect(shown(someTime)).toBe('2026-11-23T12:00:00+02:00');
    expect([isZone('Africa/Gaborone'), isZone('Gaborone')]).toEqual([true, false]);
  });
});
