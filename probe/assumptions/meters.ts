import { demand, need, type Assumption } from '../assumption.ts';
import { chargeOf, money } from '../amounts.ts';
import { FIXED_CHARGE, meters, strangeMeter } from '../purchases.ts';
import type { Side } from '../side.ts';
import { at, type Dialect, type Surface } from '../surfaces.ts';
import { errorOf, said, type Reply } from '../wire.ts';

const charged = [
  [meters.tariff, 'active: a tariff charge applies'],
  [meters.split, 'active: a tariff charge and a sub-account’s apply'],
] as const;
/** Their codes are documented (D) or named in the same style (A); v1 only. */
const refused = [
  [meters.blocked, 'a blocked customer', 'meter_blocked', 'D'],
  [meters.purchasesBlocked, 'purchases are blocked', 'meter_purchases_blocked', 'A'],
  [meters.debt, 'a debt must be paid first', 'meter_debt_outstanding', 'A'],
  [meters.transactionsBlocked, 'an account-level block', 'meter_transactions_blocked', 'A'],
  [meters.notFound, 'not found or disconnected', 'meter_not_found', 'A'],
] as const;
const fixed = [
  [meters.fixedCharge, `has a fixed charge of BWP ${FIXED_CHARGE}`],
  [meters.keyChange, `is key-change and has a fixed charge of BWP ${FIXED_CHARGE}`],
] as const;

/** What each documented test meter triggers, asked by validate, which is free. */
export function meterAssumptions({ surface }: Dialect): readonly Assumption[] {
  const id = (meter: string) => `${surface}.meter.${meter}`;
  const refusalOf = surface === 'v1' ? 'provider_error, retryable false' : '810';
  const all: Assumption[] = [
    {
      ...{ id: id(meters.thirteenDigits), surface, mark: 'D' },
      statement: `${meters.thirteenDigits} is active: 13 digits are accepted`,
      async try(side) {
        const reply = await side.validate({ subscriber: meters.thirteenDigits });
        demand(reply.status === 200, 'HTTP 200', said(reply));
        return said(reply);
      },
    },
    ...charged.map(([meter, statement]) => ({
      ...{ id: id(meter), surface, mark: 'D' as const, statement: `${meter} is ${statement}` },
      async try(side: Side) {
        const reply = await side.validate({ subscriber: meter });
        demand(reply.status === 200, 'HTTP 200', said(reply));
        const [more, usual] = [
          chargeOf(reply.json, 'charge'),
          chargeOf((await side.validate()).json, 'charge'),
        ];
        need(more !== undefined && usual !== undefined, 'there is no charge to read');
        demand(more.greaterThan(usual), `a charge above the usual ${money(usual)}`, money(more));
        return `${money(more)}, and ${money(usual)} usually`;
      },
    })),
    ...refused.map(([meter, what]) => ({
      ...{ id: id(meter), surface, mark: 'D' as const },
      statement: `${meter} is refused by the provider (${refusalOf}): ${what}`,
      async try(side: Side) {
        return refusedByProvider(await side.validate({ subscriber: meter }), surface);
      },
    })),
    ...fixed.map(([meter, what]) => ({
      ...{ id: id(meter), surface, mark: 'D' as const },
      statement: `${meter} ${what}: that amount is refused (${refusalOf}), one more is accepted`,
      async try(side: Side) {
        const seen = refusedByProvider(
          await side.validate({ subscriber: meter, amount: FIXED_CHARGE }),
          surface,
        );
        const more = await side.validate({
          ...{ subscriber: meter, amount: FIXED_CHARGE + 1, product: 'ELECTRICITY', provider: 'BPC' },
        });
        demand(more.status === 200, 'HTTP 200 for one more', said(more));
        return `${seen}; one more: ${said(more)}`;
      },
    })),
    {
      ...{ id: id('other'), surface, mark: 'D' },
      statement: 'on staging any other meter is refused',
      async try(side) {
        const reply = await side.validate({ subscriber: strangeMeter });
        demand(reply.status >= 400 && reply.status < 500, 'a 4xx', said(reply));
        return said(reply);
      },
    },
  ];
  return surface === 'v1' ? [...all, ...codes] : all;
}

const codes: readonly Assumption[] = [
  ...refused.map(([meter, , code, mark]) => codeOf(meter, code, mark, {})),
  codeOf(meters.fixedCharge, 'purchase_amount_too_low', 'A', { amount: FIXED_CHARGE }),
];

function codeOf(subscriber: string, code: string, mark: 'D' | 'A', change: { amount?: number }): Assumption {
  return {
    ...{ id: `v1.code.${code}`, surface: 'v1', mark },
    statement: `the refusal of ${subscriber} has the code ${code}`,
    async try(side) {
      const reply = await side.validate({ subscriber, ...change });
      need(reply.status >= 400, `it was not refused: ${said(reply)}`);
      demand(errorOf(reply.json, 'v1')?.code === code, code, said(reply));
      return said(reply);
    },
  };
}

/** The provider itself refused: it has seen the purchase and turned it down for good. */
export function refusedByProvider(reply: Reply, surface: Surface): string {
  const { json, status } = reply;
  const told = errorOf(json, surface);
  if (surface === 'v1') {
    const right = status >= 400 && told?.type === 'provider_error';
    demand(right, 'provider_error with an error status', said(reply));
    const retryable = at(json, 'error.retryable');
    demand(retryable === false, 'retryable: false', `retryable: ${String(retryable)}`);
  } else {
    demand(status >= 400 && told?.code === '810', '810 with an error status', said(reply));
  }
  return said(reply);
}
