import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startSandbox, type Sandbox } from '../../sandbox/sandbox.ts';
import { answered, meterNumbers, Model, unanswered, unprocessed, written } from './model.ts';
import { login, surfaces, told, type Reply, type Surface } from './raw-client.ts';

/** A trickle takes a second and is left out; any other kind of fault may strike any step. */
const fault = fc.option(fc.constantFrom(...unprocessed, ...unanswered, ...answered), { freq: 2 });
const step = fc.record({
  what: fc.constantFrom('validate', 'confirm', 'confirm', 'confirm', 'retry', 'retry'),
  surface: fc.constantFrom(...surfaces),
  meter: fc.constantFrom(...meterNumbers),
  thebe: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 60_000_000 })),
  chargesOnTop: fc.boolean(),
  reference: fc.integer({ min: 1, max: 3 }).map((n) => `r${n}`),
  becomes: fc.constantFrom('SUCCESS', 'FAILED'),
  fault,
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

let sandbox: Sandbox;
beforeAll(async () => void (sandbox = await startSandbox()));
afterAll(() => sandbox.close());

type Sessions = Record<Surface, Awaited<ReturnType<typeof login>>>;

/** The answer; undefined where the connection broke. What lands late has landed before a later call is answered. */
async function take(sessions: Sessions, { what, surface, fault: kind, ...rest }: Step) {
  const { meter, thebe, chargesOnTop, reference, becomes } = rest;
  if (kind !== null) sandbox.addFault({ endpoint: what, kind, delayMs: 0, bytes: 9, becomes });
  const session = sessions[surface];
  const change = { meter, amount: thebe / 100, charges_on_top_flag: chargesOnTop };
  const asking =
    what === 'retry'
      ? session.retry(reference)
      : session.buy({ ...change, external_reference: reference }, what);
  const answer = await asking.catch(() => undefined);
  if (kind === 'late_landing') await session.buy({}, 'validate');
  return answer;
}

/** A SUCCESS that is answered is in the ledger, once, with its tokens. */
function expectInLedger(surface: Surface, reply: Reply): void {
  const { reference, tokens, charges } = told(surface, reply);
  const rows = sandbox.ledger.filter((row) => row.reference === reference);
  expect(rows).toMatchObject([{ tokens }]);
  expect(charges.total).toBe(`BWP ${rows[0]?.total ?? ''}`);
}

describe('the money', () => {
  it('moves as the model says, to the thebe, whatever is asked and whatever goes wrong', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 15 }), async (steps) => {
        sandbox.reset();
        const model = new Model();
        const sessions = { v1: await login(sandbox, 'v1'), current: await login(sandbox, 'current') };
        for (const one of steps) {
          const { what, surface, reference } = one;
          const before = model.debits.length;
          if (what === 'confirm') model.confirm({ ...one, thebe: BigInt(one.thebe) }, one.fault, one.becomes);
          if (what === 'retry') model.retry(reference, one.fault);
          const reply = await take(sessions, one);
          expect(sandbox.faults).toEqual([]);
          expect(sandbox.ledger).toHaveLength(model.debits.length);
          const plain = one.fault === null || answered.includes(one.fault as (typeof answered)[number]);
          if (what === 'validate' || !plain) continue;
          const success = reply?.status === 200 && told(surface, reply).status === 'SUCCESS';
          if (success) expectInLedger(surface, reply);
          if (what === 'confirm') expect(success).toBe(model.debits.length > before);
        }
        expect(sandbox.balance(13209)).toBe(written(model.balance));
        const earned = model.debits.reduce((sum, { commission }) => sum + commission, 0n);
        expect(sandbox.balance(13210)).toBe(written(earned));
        const rows = model.debits.map(({ surface, meter, reference, ...debit }) => ({
          ...{ surface, subscriber: meter, externalReference: reference, accountId: 13209 },
          ...{ entry: written(debit.thebe), total: written(debit.total) },
          ...{ charge: written(debit.charge), commission: written(debit.commission) },
        }));
        expect(sandbox.ledger).toMatchObject(rows);
        const tokens = sandbox.ledger.flatMap((row) => row.tokens);
        expect(tokens).toHaveLength(model.debits.reduce((sum, debit) => sum + debit.tokens, 0));
        expect(new Set(tokens).size).toBe(tokens.length);
      }),
      { numRuns: 60 },
    );
  });
});
