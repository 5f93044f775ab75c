import { demand, need, type Assumption } from '../assumption.ts';
import { chargeNames, chargeOf, MONEY, money, type ChargeName } from '../amounts.ts';
import { CURRENCY, meters } from '../purchases.ts';
import { show } from '../show.ts';
import { unmoved } from '../unmoved.ts';
import { at, type Dialect } from '../surfaces.ts';
import { said, type Reply } from '../wire.ts';

const THEBE = 0.55;

/** The price of a purchase, before it is one. */
export function validateAssumptions({ surface, paths, places }: Dialect): readonly Assumption[] {
  const id = (name: string) => `${surface}.validate.${name}`;
  return [
    {
      ...{ id: id('answer'), surface, mark: 'A' },
      statement: `POST ${paths.validate} answers ${places.owner}, and transaction with ${chargeNames.join(', ')}`,
      async try(side) {
        const reply = await side.validate();
        demand(reply.status === 200, 'HTTP 200', said(reply));
        const [owner, transaction] = [at(reply.json, places.owner), at(reply.json, 'transaction')];
        const missing = chargeNames.filter((name) => isNothing(at(transaction, name)));
        const seen = `${places.owner}: ${show(owner)}; transaction: ${show(transaction)}`;
        demand(typeof owner === 'object' && owner !== null && missing.length === 0, 'both, whole', seen);
        return seen;
      },
    },
    {
      ...{ id: id('owner'), surface, mark: 'A' },
      statement: `validate tells the owner’s name and address, and the meter as ${places.subscriber}`,
      async try(side) {
        const { json } = await accepted(side.validate());
        const meter = at(json, places.subscriber);
        const same = meter === meters.happy ? 'the meter that was asked for' : show(meter);
        demand(meter === meters.happy, 'the meter that was asked for', `${places.subscriber}: ${same}`);
        for (const name of ['name', 'address']) {
          const value = at(json, `${places.owner}.${name}`);
          demand(
            typeof value === 'string',
            'a name and an address',
            `${places.owner}.${name}: ${show(value)}`,
          );
        }
        return 'the meter that was asked for, a name and an address';
      },
    },
    {
      ...{ id: id('money'), surface, mark: 'D' },
      statement: 'every amount is "<CCY> <amount>"',
      async try(side) {
        const { json } = await accepted(side.validate());
        const told = chargeNames.some((name) => !isNothing(at(json, `transaction.${name}`)));
        need(told, 'there is no amount to read');
        for (const name of chargeNames) {
          const value = at(json, `transaction.${name}`);
          if (isNothing(value)) continue;
          const right = typeof value === 'string' && MONEY.test(value) && value.startsWith(`${CURRENCY} `);
          demand(right, `"${CURRENCY} 9.99"`, `${name}: ${show(value)}`);
        }
        return show(at(json, 'transaction.total'));
      },
    },
    {
      ...{ id: id('entry'), surface, mark: 'A' },
      statement: 'entry is the amount that was asked for',
      async try(side) {
        const entry = chargeOf((await accepted(side.validate())).json, 'entry');
        need(entry !== undefined, 'there is no entry to read');
        const { amount } = side.walk.settings;
        demand(entry.equals(amount), `BWP ${amount.toFixed(2)}`, money(entry));
        return money(entry);
      },
    },
    {
      ...{ id: id('decimals'), surface, mark: 'D' },
      statement: 'an amount may have two decimals',
      async try(side) {
        const amount = Math.floor(side.walk.settings.amount) + THEBE;
        const reply = await side.validate({ amount });
        demand(reply.status === 200, 'HTTP 200', said(reply));
        const entry = chargeOf(reply.json, 'entry');
        if (entry === undefined) return said(reply);
        demand(entry.equals(amount), `BWP ${amount.toFixed(2)}`, money(entry));
        return money(entry);
      },
    },
    {
      ...{ id: id('charges-on-top'), surface, mark: 'A' },
      statement: 'with charges on top, net is entry and total is entry and charge',
      async try(side) {
        const { entry, net, total, charge } = chargesIn(await accepted(side.validate({ onTop: true })));
        const seen = `net ${money(net)}, total ${money(total)}, charge ${money(charge)}`;
        const right = net.equals(entry) && total.equals(entry.add(charge));
        demand(right, `net ${money(entry)}, total ${money(entry.add(charge))}`, seen);
        return seen;
      },
    },
    {
      ...{ id: id('charges-deducted'), surface, mark: 'A' },
      statement: 'with charges deducted, total is entry and net is entry less charge',
      async try(side) {
        const { entry, net, total, charge } = chargesIn(await accepted(side.validate({ onTop: false })));
        const seen = `net ${money(net)}, total ${money(total)}, charge ${money(charge)}`;
        const right = total.equals(entry) && net.equals(entry.sub(charge));
        demand(right, `total ${money(entry)}, net ${money(entry.sub(charge))}`, seen);
        return seen;
      },
    },
    {
      ...{ id: id('charges-default'), surface, mark: 'D' },
      statement: 'without charges_on_top_flag, charges are on top',
      async try(side) {
        const told = chargesIn(await accepted(side.validate({ onTop: true })));
        const untold = chargesIn(await accepted(side.validate({ onTop: undefined })));
        demand(untold.total.equals(told.total), money(told.total), money(untold.total));
        return money(untold.total);
      },
    },
    {
      ...{ id: id('free'), surface, mark: 'D' },
      statement: 'validate debits nothing',
      async try(side) {
        const { reply, fell } = await side.watchValidate();
        return unmoved(fell, chargeOf(reply.json, 'total'));
      },
    },
  ];
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null;
}

async function accepted(asking: Promise<Reply>): Promise<Reply> {
  const reply = await asking;
  need(reply.status < 300, `validate was refused: ${said(reply)}`);
  return reply;
}

function chargesIn({ json }: Reply) {
  const read = (name: ChargeName) => {
    const amount = chargeOf(json, name);
    need(amount !== undefined, `there is no ${name} to read`);
    return amount;
  };
  return { entry: read('entry'), net: read('net'), total: read('total'), charge: read('charge') };
}
