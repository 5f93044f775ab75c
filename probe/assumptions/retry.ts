import { demand, need, skip, type Assumption } from '../assumption.ts';
import { chargeOf } from '../amounts.ts';
import { list, show, word } from '../show.ts';
import { at, type Dialect } from '../surfaces.ts';
import { unmoved } from '../unmoved.ts';
import { errorOf, said, type Reply } from '../wire.ts';
import { refusedByProvider } from './meters.ts';

/** The way out of an answer that was lost. */
export function retryAssumptions({ surface, paths, places }: Dialect): readonly Assumption[] {
  const id = (name: string) => `${surface}.retry.${name}`;
  const unknownCode = surface === 'v1' ? 'purchase_not_found' : '102';
  return [
    {
      ...{ id: id('request'), surface, mark: 'A' },
      statement: `POST ${paths.retry} takes external_reference, source_channel, language, and asks for nothing more`,
      async try(side) {
        const reply = await side.retryUnknown();
        demand(reply.status !== 400 && reply.status !== 422, 'no complaint of its fields', said(reply));
        return said(reply);
      },
    },
    {
      ...{ id: id('unknown'), surface, mark: 'A' },
      statement: `retry of a reference that was never seen is HTTP 404 with ${unknownCode}`,
      async try(side) {
        const reply = await side.retryUnknown();
        need(reply.status !== 400 && reply.status !== 422, `its fields were refused: ${said(reply)}`);
        const right = reply.status === 404 && errorOf(reply.json, surface)?.code === unknownCode;
        demand(right, `HTTP 404 ${unknownCode}`, said(reply));
        return said(reply);
      },
    },
    {
      ...{ id: id('succeeded'), surface, mark: 'A', buys: ['happy'] },
      statement: 'retry of what had succeeded answers with that very purchase and its token',
      async try(side) {
        const { reply: first } = await side.bought('happy');
        need(first.status < 300, `nothing was bought: ${said(first)}`);
        const { reply } = await side.askedAbout('happy');
        demand(reply.status === 200, 'HTTP 200', said(reply));
        for (const place of [places.status, places.reference, places.token]) {
          const [before, now] = [at(first.json, place), at(reply.json, place)];
          const same = before === now || before === undefined;
          demand(same, `the same ${place}`, place === places.token ? show(now) : word(now));
        }
        return 'the same status, reference and token';
      },
    },
    {
      ...{ id: id('shape'), surface, mark: 'A', buys: ['happy'] },
      statement: 'retry answers in the shape of confirm',
      async try(side) {
        const { reply: first } = await side.bought('happy');
        const { reply } = await side.askedAbout('happy');
        need(first.status < 300 && reply.status < 300, `there is nothing to compare: ${said(reply)}`);
        const missing = namesIn(first).filter((name) => !namesIn(reply).includes(name));
        demand(missing.length === 0, 'every name that confirm has', `without ${list(missing)}`);
        return `${namesIn(reply).length} names`;
      },
    },
    {
      ...{ id: id('free'), surface, mark: 'A', buys: ['happy'] },
      statement: 'retry of what had succeeded debits nothing more',
      async try(side) {
        const { reply: first, fell: firstFell } = await side.bought('happy');
        const total = chargeOf(first.json, 'total') ?? chargeOf((await side.validate()).json, 'total');
        // Before the debit itself is in the balance, a fall says nothing of the retry.
        need(firstFell?.isZero() === false, 'the debit of the purchase itself did not show in the balance');
        return unmoved((await side.askedAbout('happy')).fell, total);
      },
    },
    {
      ...{ id: id('refused'), surface, mark: 'A', buys: ['refused'] },
      statement: 'retry of what was refused is refused again by the provider, or does not know it',
      async try(side) {
        const { reply: first } = await side.bought('refused');
        need(first.status >= 400, `it was not refused: ${said(first)}`);
        const { reply } = await side.askedAbout('refused');
        if (reply.status === 404 && errorOf(reply.json, surface)?.code === unknownCode) return said(reply);
        return refusedByProvider(reply, surface);
      },
    },
    {
      ...{ id: id('reattempts'), surface, mark: 'D' },
      statement: 'retry attempts again what had failed',
      try: () => skip('no test meter fails once and succeeds later'),
    },
  ];
}

/** Two levels deep, as deep as it goes. */
function namesIn({ json }: Reply): readonly string[] {
  return Object.entries(Object(json) as object).flatMap(([name, value]: [string, unknown]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.keys(value).map((inner) => `${name}.${inner}`)
      : [name],
  );
}
