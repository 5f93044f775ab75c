import { describe, expect, it } from 'vitest';

import { maskOf } from '../../src/operator/mask.ts';
import { printable } from '../../src/operator/terminal.ts';
import { anOrder, aPurchase } from '../support/domain.ts';

const digits = '019365f000007000800000000000';
const purchase = aPurchase({ id: '01936500-0000-7000-8000-000000000001' });
const mask = maskOf(purchase);

describe('what is secret of a purchase', () => {
  it.each([
    ['a token', '12345678901234567890', '****************7890'],
    ['a token in groups', '1234 5678 9012 3456 7890', '**** **** **** **** 7890'],
    ['a token with dashes', '1234-5678–9012 - 3456-7890', '****-****–**** - ****-7890'],
    ['sixteen digits', '1234567890123456', '************3456'],
    [
      'a token within JSON',
      '{"token":"12345678901234567890","n":1}',
      '{"token":"****************7890","n":1}',
    ],
    ['blanks that JSON escaped', '1234\\u00a05678\\n9012\\t3456', '****\\u00a0****\\n****\\t3456'],
    ['two tokens', '12345678901234567890|11112222333344445555', '****************7890|****************5555'],
    ['a no-break space', '1234\u00a05678\u00a09012\u00a03456', '****\u00a0****\u00a0****\u00a03456'],
    ['lines', '1234 5678\n9012 3456\n7890', '**** ****\n**** ****\n7890'],
    ['the phone', '+26771436390', '+*******6390'],
    ['the phone without its country', '{"msg":"sent to 71436390"}', '{"msg":"sent to ****6390"}'],
    ['the phone in groups', 'tel 71 436 390.', 'tel ** **6 390.'],
    ['the phone as the upstream writes it', '"26771436390"', '"*******6390"'],
    ['another phone', 'or call +44 20 7946 0958', 'or call +** ** **** 0958'],
    ['a field named for a phone', '{"beneficiary_phone":"3901234"}', '{"beneficiary_phone":"***1234"}'],
  ])('%s is masked but for four digits', (_what, text, shown) => {
    expect(mask(text)).toBe(shown);
  });

  it.each([
    ['fifteen digits', '123456789012345'],
    ['a meter', '04040404040'],
    ['amounts', '"amount": 100.00, "charge": 2.50, "total": "BWP 102.50"'],
    ['an instant', '2026-03-01T12:00:00.123+02:00'],
    ['its own reference', `{"external_reference":"${purchase.reference}"}`],
    ['a number that only ends like the phone', '971436390'],
  ])('%s is shown', (_what, text) => {
    expect(mask(text)).toBe(text);
  });

  it('of airtime is the number that it was bought for', () => {
    const airtime = aPurchase({
      order: anOrder({ productType: 'AIRTIME', subscriberIdentifier: '74000001' }),
    });
    expect(maskOf(airtime)('74000001 and 71436390')).toBe('****0001 and ****6390');
  });

  it('is shown when it is asked for', () => {
    expect(maskOf(purchase, [], true)('12345678901234567890')).toBe('12345678901234567890');
  });

  it('never grows with a long answer', () => {
    const started = performance.now();
    mask(`${'1 '.repeat(200_000)}${digits.repeat(10_000)}${'"phone'.repeat(50_000)}`);
    expect(performance.now() - started).toBeLessThan(3_000);
  });
});

it('an upstream cannot steer the terminal', () => {
  expect(printable('a\u001b[2Jb\u0007\u202e\tc\n\u0000é😀')).toBe(
    'a\\u{1b}[2Jb\\u{7}\\u{202e}\tc\n\\u{0}é😀',
  );
});
