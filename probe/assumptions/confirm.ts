import { demand, need, skip, type Assumption } from '../assumption.ts';
import { chargeNames, chargeOf, money } from '../amounts.ts';
import type { PurchaseName } from '../purchases.ts';
import { show, word } from '../show.ts';
import type { Side } from '../side.ts';
import { at, type Dialect } from '../surfaces.ts';
import { debited, unmoved } from '../unmoved.ts';
import { said, type Reply } from '../wire.ts';
import { refusedByProvider } from './meters.ts';

const STATUSES = ['SUCCESS', 'PENDING', 'FAILED'];
const STS_DIGITS = 20;
const CLOCK_SLACK_MS = 600_000;
const buys = (name: PurchaseName) => ({ buys: [name] });

/** What a purchase answers, and what it debits. */
export function confirmAssumptions(dialect: Dialect): readonly Assumption[] {
  const { surface, places, paths } = dialect;
  const id = (name: string) => `${surface}.confirm.${name}`;
  return [
    {
      ...{ id: id('status'), surface, mark: 'A', ...buys('happy') },
      statement: `POST ${paths.confirm} answers 200 with ${places.status} SUCCESS, PENDING or FAILED`,
      async try(side) {
        const { reply } = await side.bought('happy');
        demand(reply.status === 200, 'HTTP 200', said(reply));
        const status = at(reply.json, places.status);
        const known = STATUSES.includes(String(status));
        demand(known, STATUSES.join(', '), `${places.status}: ${word(status)}`);
        demand(status !== 'FAILED', 'the happy path to succeed', word(status));
        return word(status);
      },
    },
    {
      ...{ id: id('reference'), surface, mark: 'A', ...buys('happy') },
      statement: `${places.externalReference} is the external_reference that was sent, whole`,
      async try(side) {
        const { want, json } = await happy(side);
        const told = at(json, places.externalReference);
        const seen =
          typeof told === 'string' && want.reference.startsWith(told) ? 'the beginning of it' : show(told);
        demand(told === want.reference, 'the one that was sent', seen);
        return `all of its ${want.reference.length} characters`;
      },
    },
    {
      ...{ id: id('their-reference'), surface, mark: 'A', ...buys('happy') },
      statement: `${places.reference} is ScratchPower’s own reference, a text`,
      async try(side) {
        const theirs = at((await happy(side)).json, places.reference);
        demand(typeof theirs === 'string' && theirs !== '', 'a text', `${places.reference}: ${show(theirs)}`);
        return show(theirs);
      },
    },
    {
      ...{ id: id('subscriber'), surface, mark: 'A', ...buys('happy') },
      statement: `${places.subscriber} is the meter as it was sent`,
      async try(side) {
        const { want, json } = await happy(side);
        const told = at(json, places.subscriber);
        demand(told === want.subscriber, 'the meter that was sent', `${places.subscriber}: ${show(told)}`);
        return 'as it was sent';
      },
    },
    {
      ...{ id: id('token'), surface, mark: 'A', ...buys('happy') },
      statement: `${places.token} is one text: twenty digits, in groups or after a label and a colon`,
      async try(side) {
        return tokensIn((await happy(side)).json, dialect, 1);
      },
    },
    {
      ...{ id: id('units'), surface, mark: 'A', ...buys('happy') },
      statement: `${places.units} is a decimal${surface === 'v1' ? ', and unit is kWh' : ''}`,
      async try(side) {
        const { json } = await happy(side);
        const units = at(json, places.units);
        const decimal = /^-?\d{1,30}(\.\d{1,30})?$/.test(String(units));
        demand(decimal, 'a decimal', `${places.units}: ${show(units)}`);
        if (surface === 'current') return show(units);
        const unit = at(json, 'unit');
        demand(unit === 'kWh', 'kWh', `unit: ${word(unit)}`);
        return `${show(units)}, kWh`;
      },
    },
    {
      ...{ id: id('receipt'), surface, mark: 'A', ...buys('happy') },
      statement: `${places.receipt} is a text`,
      async try(side) {
        const receipt = at((await happy(side)).json, places.receipt);
        demand(
          typeof receipt === 'string' && receipt !== '',
          'a text',
          `${places.receipt}: ${show(receipt)}`,
        );
        return show(receipt);
      },
    },
    {
      ...{ id: id('charges'), surface, mark: 'A', ...buys('happy') },
      statement: 'confirm charges what validate told',
      async try(side) {
        const { json } = await happy(side);
        const offer = await side.validate();
        const isTold = chargeNames.some((name) => chargeOf(offer.json, name) !== undefined);
        need(isTold, 'validate told no charges');
        for (const name of chargeNames) {
          const [told, charged] = [chargeOf(offer.json, name), chargeOf(json, name)];
          if (told === undefined) continue;
          demand(charged?.equals(told) === true, `${name}: ${money(told)}`, money(charged));
        }
        return `total ${money(chargeOf(json, 'total'))}`;
      },
    },
    {
      ...{ id: id('time'), surface, mark: 'A', ...buys('happy') },
      statement:
        surface === 'v1'
          ? 'created_at is the moment of the purchase, ISO 8601'
          : 'transaction.timestamp is the moment of the purchase: `date` was read as Botswana’s time, UTC+2',
      async try(side) {
        const told = at((await happy(side)).json, places.time);
        const moment = momentOf(told);
        demand(moment !== undefined, 'a moment', `${places.time}: ${show(told)}`);
        const off = moment - side.walk.now().getTime();
        demand(Math.abs(off) < CLOCK_SLACK_MS, 'now', `${Math.round(off / 60_000)} minutes from now`);
        return show(told);
      },
    },
    {
      ...{ id: id('debit'), surface, mark: 'A', ...buys('happy') },
      statement: 'confirm debits its total, once',
      async try(side) {
        const { json, fell } = await happy(side);
        return debited(fell, chargeOf(json, 'total') ?? chargeOf((await side.validate()).json, 'total'));
      },
    },
    {
      ...{ id: id('key-change'), surface, mark: 'D', ...buys('key-change') },
      statement: `a key-change vend has three tokens in ${places.token}, separated by |`,
      async try(side) {
        const { reply } = await side.bought('key-change');
        need(reply.status < 300, `it was refused: ${said(reply)}`);
        return tokensIn(reply.json, dialect, 3);
      },
    },
    {
      ...{ id: id('refused'), surface, mark: 'A', ...buys('refused') },
      statement:
        surface === 'v1'
          ? 'a confirm that the provider refuses is a provider_error with retryable false'
          : 'a confirm that the provider refuses is an 810',
      async try(side) {
        return refusedByProvider((await side.bought('refused')).reply, surface);
      },
    },
    {
      ...{ id: id('refused-free'), surface, mark: 'A', ...buys('refused') },
      statement: 'a confirm that is refused debits nothing',
      async try(side) {
        const { reply, fell } = await side.bought('refused');
        need(reply.status >= 400, `it was not refused: ${said(reply)}`);
        return unmoved(fell, chargeOf((await side.validate()).json, 'total'));
      },
    },
    {
      ...{ id: id('not-idempotent'), surface, mark: 'D', ...buys('duplicate') },
      statement: 'confirm is not idempotent: sent again under its external_reference, it is debited again',
      async try(side) {
        const { reply: first } = await side.bought('duplicate');
        need(side.statusOf(first) === 'SUCCESS', `the first was not bought: ${said(first)}`);
        const { reply, fell } = await side.again('duplicate');
        const token = (answer: Reply) => at(answer.json, places.token);
        const isAnother = reply.status < 300 && token(reply) !== token(first);
        const seen = reply.status < 300 && !isAnother ? 'the first purchase’s answer again' : said(reply);
        demand(isAnother, 'another purchase, with another token', seen);
        return debited(fell, chargeOf(reply.json, 'total'));
      },
    },
    ...(surface === 'v1' ? [vas('airtime', dialect), vas('water', dialect)] : []),
    {
      ...{ id: id('pending'), surface, mark: 'A' },
      statement: 'a PENDING purchase is told by retry, SUCCESS or FAILED, in the end',
      try: () => skip('no test meter makes a purchase PENDING'),
    },
    {
      ...{ id: id('failed'), surface, mark: 'A' },
      statement: 'FAILED comes without a token',
      try: () => skip('no test meter makes a purchase FAILED with HTTP 200'),
    },
    {
      ...{ id: id('late-landing'), surface, mark: 'A' },
      statement: 'a confirm that was not processed a minute after the gateway’s deadline never will be',
      try: () => skip('only an upstream in trouble shows it; ask ScratchPower for its own longest time-out'),
    },
    ...(surface === 'current' ? [currentUnit] : []),
  ];
}

const currentUnit: Assumption = {
  ...{ id: 'current.confirm.unit', surface: 'current', mark: 'A' },
  statement: 'Current’s units are kWh',
  try: () => skip('Current’s answer has no field for it; compare a purchase with the meter’s own display'),
};

/** Airtime and water have no documented test numbers. */
function vas(name: 'airtime' | 'water', dialect: Dialect): Assumption {
  const what = name === 'airtime' ? 'airtime comes without a token, or with one' : 'water comes with a token';
  return {
    ...{ id: `v1.confirm.${name}`, surface: 'v1', mark: 'A', ...buys(name) },
    statement: `${what} that reads as electricity’s does`,
    async try(side) {
      if (side.walk.settings[name] === undefined)
        skip(`the contract has no test number for ${name}; give one by --${name} PROVIDER:NUMBER`);
      const { reply } = await side.bought(name);
      need(reply.status < 300, `it was refused: ${said(reply)}`);
      const token = at(reply.json, dialect.places.token);
      if (name === 'airtime' && (token === null || token === undefined || token === '')) return 'no token';
      return tokensIn(reply.json, dialect, undefined);
    },
  };
}

async function happy(side: Side) {
  const { want, reply, fell } = await side.bought('happy');
  need(reply.status < 300, `the happy path was refused: ${said(reply)}`);
  return { want, json: reply.json, fell };
}

/** That the tokens can be read; `count` undefined: however many there are. */
function tokensIn(json: unknown, { places }: Dialect, count: number | undefined): string {
  const field = at(json, places.token);
  demand(typeof field === 'string' && field.trim() !== '', 'a text', `${places.token}: ${show(field)}`);
  const parts = field.split('|').map((part) => part.trim());
  for (const part of parts) {
    const digits = part.slice(part.lastIndexOf(':') + 1).replace(/[\s-]/g, '');
    const readable = /^\d+$/.test(digits);
    demand(readable, 'digits, in groups or after a label', `${places.token}: ${show(part)}`);
    demand(digits.length === STS_DIGITS, `${STS_DIGITS} digits`, `${digits.length} digits`);
  }
  if (count !== undefined)
    demand(
      parts.length === count,
      `${count} in the field, separated by |`,
      `${parts.length}: ${show(field)}`,
    );
  return show(field);
}

/** ISO 8601, with or without a zone, or ms or seconds of the epoch. */
function momentOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value < 1e11 ? value * 1000 : value;
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}[T ]/.test(value)) return undefined;
  // Without a zone it is taken for UTC, so that the report does not depend on where it is written.
  const moment = Date.parse(/([zZ]|[+-]\d{2}:?\d{2})$/.test(value) ? value : `${value.replace(' ', 'T')}Z`);
  return Number.isNaN(moment) ? undefined : moment;
}
