import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';

import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import type { Journal, NewPurchase } from '../../src/purchases/journal.ts';
import type { Purchase, PurchaseStatus } from '../../src/purchases/purchase.ts';
import {
  answer,
  begun,
  bwp,
  finish,
  later,
  newAttempt,
  newPurchase,
  NOON,
  order,
  purchaseIn,
  refusal,
  someone,
  to,
  trace,
} from '../journal/fixtures.ts';
import { outsider, tempPath } from '../journal/sqlite-fixtures.ts';
import { command, script } from '../support/operator.ts';

const TOKEN = '12345678901234567890';
const GROUPED = '1234 5678 9012 3456 7890';
const MASKED = '**** **** **** **** 7890';

let path: string;
let journal: Journal;
beforeEach(async () => {
  path = await tempPath();
  journal = await openSqliteJournal({ path });
  onTestFinished(() => journal.close());
});

const purchases = (...argv: string[]) => command('purchases', argv, path, { now: later(600_000) });
const why = ['--reason', 'ScratchPower ticket 4711', '--author', 'kagiso', '--yes'];
const reasonOf = async (id: string) =>
  (await journal.events({ after: 0, limit: 100, purchaseId: id })).at(-1)?.byHand;

/** A purchase with a lost answer, a refused retry, and the answers that were kept. */
async function aStory(
  status: PurchaseStatus = 'NEEDS_ATTENTION',
  idempotencyKey = 'my key',
): Promise<Purchase> {
  const { purchase } = await journal.begin(newPurchase({ idempotencyKey }), newAttempt());
  const first = { purchaseId: purchase.id, number: 1 };
  await journal.keepAnswer(
    first,
    answer({ status: 202, body: `{"token":"${GROUPED}","tel":"71000000"}\u001b[2J` }),
  );
  await finish(journal, first, to('UNRESOLVED', { problem: refusal, unresolvedSince: NOON }));
  const retry = newAttempt({ kind: 'RETRY', requestId: 'request-2' });
  await journal.startAttempt(purchase.id, 'UNRESOLVED', retry, to('UNRESOLVED'));
  await finish(journal, { ...first, number: 2 }, to(status, { unresolvedSince: NOON, problem: refusal }));
  const now = await journal.purchase('id', purchase.id);
  if (now === undefined) throw new Error('it is gone');
  return now;
}

describe('list', () => {
  const unresolvedSince = (ms: number) => to('UNRESOLVED', { unresolvedSince: later(600_000 - ms) });
  const add = async (change: ReturnType<typeof to>, overrides: Partial<NewPurchase> = {}) => {
    const { purchase } = await journal.begin(newPurchase(overrides), newAttempt());
    return finish(journal, { purchaseId: purchase.id, number: 1 }, change);
  };
  const ids = async (...argv: string[]) => {
    const { code, out, err } = await purchases('list', '--json', ...argv);
    expect([code, err]).toEqual([0, '']);
    return JSON.parse(out).purchases.map(({ id }: Purchase) => id);
  };

  it('shows what needs attention and what is unresolved for long, the newest first', async () => {
    const long = await add(unresolvedSince(300_000));
    await add(unresolvedSince(299_999));
    const attention = await purchaseIn(journal, 'NEEDS_ATTENTION', { createdAt: later(5) });
    for (const status of ['SUCCEEDED', 'FAILED'] as const) await purchaseIn(journal, status);
    await begun(() => Promise.resolve(journal));
    expect(await ids()).toEqual([attention.id, long.id]);
    const { out } = await purchases('list');
    expect(out).toMatch(/^created +status +product +account +meter +amount +problem +reference\n/);
    expect(out.split('\n')[1]).toBe(
      `2026-03-01T14:00:00+02:00  NEEDS_ATTENTION  ELECTRICITY BPC  7        04040404040  BWP 100.00           ${attention.reference}`,
    );
    expect(out).toMatch(/\n\n2 purchases\.\n$/);
  });

  it('finds others by status, time, account and meter, at most so many', async () => {
    const one = await purchaseIn(journal, 'SUCCEEDED', { order: { ...order, accountId: 8 } });
    const two = await purchaseIn(journal, 'FAILED', {
      createdAt: later(3_600_000),
      order: { ...order, subscriberIdentifier: 'm' },
    });
    const both = ['--status', 'SUCCEEDED', 'FAILED'];
    expect(await ids(...both)).toEqual([two.id, one.id]);
    expect(await ids('--status', 'FAILED', '--status', 'PENDING')).toEqual([two.id]);
    expect(await ids(...both, '--account', '8')).toEqual([one.id]);
    expect(await ids(...both, '--meter', 'm')).toEqual([two.id]);
    expect(await ids(...both, '--since', '2026-03-01T13:00Z')).toEqual([two.id]);
    expect(await ids(...both, '--until', '2026-03-01T13:00Z')).toEqual([one.id]);
    expect(await ids(...both, '--since', '2026-03-02')).toEqual([]);
    expect(await ids(...both, '--limit', '1')).toEqual([two.id]);
    expect((await purchases('list', ...both, '--limit', '1')).out).toMatch(
      /1 purchase; there are more, which a higher --limit shows/,
    );
    expect((await purchases('list')).out).toBe(
      '0 purchases that need a person; --status, such as --status SUCCEEDED, lists others.\n',
    );
    expect((await purchases('list', '--status', 'PENDING')).out).toBe('0 purchases.\n');
  });
});

describe('list beside what cannot be read', () => {
  it('names it and shows the others', async () => {
    const [damaged, sound] = [
      await purchaseIn(journal, 'NEEDS_ATTENTION'),
      await purchaseIn(journal, 'NEEDS_ATTENTION'),
    ];
    outsider(path).prepare(`update purchases set content = 'damaged' where id = ?`).run(damaged.id);
    const { code, out, err } = await purchases('list');
    expect([code, out]).toEqual([0, expect.stringContaining(sound.reference)]);
    expect(err).toBe(`${damaged.id} cannot be read, and is left out; \`show ${damaged.id}\` says why.\n`);
    expect((await purchases('show', damaged.id)).err).toContain(`the row of purchases (${damaged.id})`);
  });
});

describe('show', () => {
  it('tells the whole history, and no secret of it', async () => {
    const { id, reference } = await aStory();
    await journal.decide(id, someone, () =>
      to('SUCCEEDED', { tokens: [{ kind: 'CREDIT', digits: TOKEN }], receiptNumber: 'R1' }),
    );
    const { code, out, err } = await purchases('show', reference);
    expect([code, err]).toEqual([0, '']);
    for (const told of [reference, id, 'my key', '+*******0000', 'BWP 100.00', `(CREDIT)`, MASKED, 'R1'])
      expect(out).toContain(told);
    expect(out).toMatch(/EVENTS\nposition +at +status +problem +by +reason\n1 +\S+ +PENDING +the gateway\n/);
    expect(out).toMatch(
      /4 +2026-03-01T14:00:01\+02:00 +SUCCEEDED +meter_blocked +kagiso +Seen in ScratchPower’s ledger:/,
    );
    expect(out).toMatch(/2 +RETRY +UNKNOWN +\S+ +\S+ +request-2/);
    expect(out).toContain(`ANSWER TO ATTEMPT 1: 202\n{"token":"${MASKED}","tel":"****0000"}\\u{1b}[2J`);
    expect(out).not.toMatch(/12345|1234 5678|71000000/);
    expect(out).not.toContain('\u001b');
  });

  it('tells no token that somebody typed as the reason, nor does the audit trail', async () => {
    const { id } = await aStory();
    const argv = ['settle', id, '--as', 'succeeded', '--token', TOKEN, '--author', 'k', '--yes'];
    await purchases(...argv, '--reason', `the ledger says ${GROUPED}`);
    for (const told of [
      ['show', id],
      ['show', id, '--json'],
      ['audit', id],
      ['audit', '--json'],
    ]) {
      const { code, out } = await purchases(...told);
      expect([code, out], told.join(' ')).toEqual([0, expect.stringContaining(`the ledger says ${MASKED}`)]);
      expect(out).not.toContain('1234 5678');
    }
  });

  it('tells the secrets when it is asked to, as JSON too', async () => {
    const { id } = await aStory();
    const { out } = await purchases('show', id, '--reveal');
    expect(out).toContain(GROUPED);
    expect(out).toContain('+26771000000');
    const revealed = JSON.parse((await purchases('show', id, '--json', '--reveal')).out);
    expect(revealed.attempts[0].answer.body).toContain(GROUPED);
    const masked = JSON.parse((await purchases('show', id, '--json')).out);
    expect(masked).toMatchObject({
      purchase: { id, status: 'NEEDS_ATTENTION', order: { amount: '100.00', currency: 'BWP' } },
      events: [{ status: 'PENDING', byHand: null }, { status: 'UNRESOLVED' }, { status: 'NEEDS_ATTENTION' }],
      attempts: [
        { kind: 'CONFIRM', answer: { status: 202 } },
        { requestId: 'request-2', answer: null },
      ],
    });
    expect(JSON.stringify(masked)).not.toMatch(/1234 5678|71000000/);
  });

  it('tells that an answer was blotted out', async () => {
    const { id } = await aStory('FAILED');
    await journal.blotAnswers({ settledBefore: later(1e9), now: NOON, limit: 10 });
    const { out } = await purchases('show', id);
    expect(out).toContain('ANSWER TO ATTEMPT 1: 202\nblotted out at 2026-03-01T14:00:00+02:00');
  });

  it.each(['id', 'opaque id', 'reference', 'key'])('finds it by its %s', async (by) => {
    const { id, reference, idempotencyKey } = await purchaseIn(journal, 'SUCCEEDED');
    const opaque = Buffer.from(`Purchase:${id}`).toString('base64');
    const name = { id, 'opaque id': opaque, reference, key: idempotencyKey }[by] ?? '';
    expect((await purchases('show', name)).out).toContain(id);
  });
});

describe('settle', () => {
  it.each<PurchaseStatus>(['UNRESOLVED', 'NEEDS_ATTENTION'])(
    'makes a purchase that is %s SUCCEEDED, with its token, its author and the reason',
    async (status) => {
      const { id, reference } = await aStory(status);
      const details = ['--receipt', 'R1', '--upstream-reference', 'SP-1', '--total', '102.50'];
      const argv = ['settle', reference, '--as', 'succeeded', '--token', GROUPED, ...details, ...why];
      const { code, out, err } = await script('purchases', argv, path);
      expect([code, err]).toEqual([0, '']);
      expect(out).toBe(`${reference} was ${status} and is SUCCEEDED.\n`);
      expect(await journal.purchase('id', id)).toMatchObject({
        ...{ status: 'SUCCEEDED', problem: null, receiptNumber: 'R1', upstreamReference: 'SP-1' },
        ...{ tokens: [{ kind: 'CREDIT', digits: TOKEN }], charges: { total: bwp('102.5') } },
      });
      expect(await reasonOf(id)).toEqual({ author: 'kagiso', reason: 'ScratchPower ticket 4711' });
    },
  );

  it('makes a purchase FAILED for good, by the user of the system where none is named', async () => {
    const { id, reference } = await aStory();
    const argv = ['settle', id, '--as', 'failed', '--reason', 'not in the ledger', '--yes', '--json'];
    const { code, out } = await purchases(...argv);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ reference, status: 'FAILED', problem: { retryable: false } });
    expect(await reasonOf(id)).toEqual({ author: userInfo().username, reason: 'not in the ledger' });
  });

  it('takes several tokens, in their order', async () => {
    const { id } = await aStory();
    const [one, two] = ['1'.repeat(20), '2'.repeat(20)];
    const tokens = ['--token', TOKEN, '--key-change', one, '--key-change', two];
    expect((await purchases('settle', id, '--as', 'succeeded', ...tokens, ...why)).code).toBe(0);
    const kept = (await journal.purchase('id', id))?.tokens.map(({ kind, digits }) => [kind, digits]);
    expect(kept).toEqual([
      ['KEY_CHANGE', one],
      ['KEY_CHANGE', two],
      ['CREDIT', TOKEN],
    ]);
  });

  it('asks a person, showing the tokens, and does nothing unless the answer is yes', async () => {
    const { id } = await aStory();
    const argv = ['settle', id, '--as', 'succeeded', '--token', TOKEN, '--reason', 'seen'];
    const before = await trace(journal, id);
    for (const answer of ['', 'y', 'no']) {
      const said = await command('purchases', argv, path, { answer });
      expect([said.code, said.err]).toEqual([1, 'Nothing was changed.\n']);
      expect(said.asked).toMatch(
        /NEEDS_ATTENTION[^]*SUCCEEDED, for good[^]*1234 5678 9012 3456 7890[^]*seen/,
      );
    }
    expect(await trace(journal, id)).toEqual(before);
    expect((await command('purchases', argv, path, { answer: ' YES\n' })).code).toBe(0);
  });

  it.each<[what: string, argv: string[], told: RegExp]>([
    ['nobody is there to confirm it', ['--as', 'failed', '--reason', 'seen'], /nobody here.*--yes/],
    ['the reason is empty', ['--as', 'failed', '--yes', '--reason', ' '], /^--reason: tell how you know/],
    ['the author is empty', ['--as', 'failed', ...why, '--author', ''], /^--author: tell who decides/],
    ['the token is missing', ['--as', 'succeeded', ...why], /^--token: is missing/],
    ['the token is too short', ['--as', 'succeeded', '--token', '123', ...why], /^--token: has 3 digits/],
    [
      'the token has a letter, and the total is none',
      ['--as', 'succeeded', '--token', '12a', '--total', 'x', ...why],
      /^--token: must be digits.*\n--total: must be an amount of BWP/,
    ],
    [
      'the key-change token is wrong',
      ['--as', 'failed', '--key-change', '1', ...why],
      /^--key-change: has 1/,
    ],
  ])('refuses when %s, and changes nothing', async (_what, argv, told) => {
    const { id } = await aStory();
    const before = await trace(journal, id);
    const { code, out, err } = await purchases('settle', id, ...argv);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(told);
    expect(await trace(journal, id)).toEqual(before);
  });

  it.each<[PurchaseStatus, RegExp]>([
    ['SUCCEEDED', /SUCCEEDED, which never changes/],
    ['FAILED', /FAILED for good/],
    ['PENDING', /under way/],
  ])('refuses a purchase that is %s, and so does retry', async (status, told) => {
    const { purchase, id, first } = await begun(() => Promise.resolve(journal));
    const forGood = { problem: { ...refusal, retryable: false } };
    if (status !== purchase.status) await finish(journal, first, to(status, forGood));
    const before = await trace(journal, id);
    for (const argv of [
      ['settle', id, '--as', 'failed', ...why],
      ['retry', id, ...why],
    ]) {
      const { code, err } = await purchases(...argv);
      expect(code).toBe(1);
      expect(err).toMatch(told);
    }
    expect(await trace(journal, id)).toEqual(before);
  });

  it('refuses FAILED for as long as what was sent last may still be processed', async () => {
    const { id } = await purchaseIn(journal, 'NEEDS_ATTENTION');
    const before = await trace(journal, id);
    // It was given up at the second second. Nobody is asked in vain.
    const at = (ms: number, argv: readonly string[] = why) =>
      command('purchases', ['settle', id, '--as', 'failed', ...argv], path, {
        now: later(1_000 + ms),
        answer: '',
      });
    for (const argv of [why, ['--reason', 'seen']]) {
      const { code, err, asked } = await at(89_999, argv);
      expect([code, asked]).toEqual([1, '']);
      expect(err).toMatch(/may still be processed until 2026-03-01T12:01:31.000Z .*ledger after that/);
    }
    expect(await trace(journal, id)).toEqual(before);
    const env = { LATE_LANDING_MS: '1' };
    expect(
      (
        await command('purchases', ['settle', id, '--as', 'failed', ...why], path, {
          now: later(30_999),
          env,
        })
      ).err,
    ).toMatch(/still be processed/);
    expect(
      (
        await command('purchases', ['settle', id, '--as', 'failed', ...why], path, {
          now: later(31_001),
          env,
        })
      ).code,
    ).toBe(0);
  });

  it('says of one that the gateway still asks about that each question moves that', async () => {
    const { id } = await purchaseIn(journal, 'UNRESOLVED');
    const argv = ['settle', id, '--as', 'failed', ...why];
    const { code, err } = await command('purchases', argv, path, { now: later(1_001) });
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/each question moves that: wait until it is settled/),
    ]);
  });

  it('shows, settles and asks again, whatever cannot be read of an attempt', async () => {
    const [one, other] = [await aStory(), await aStory('NEEDS_ATTENTION', 'other key')];
    outsider(path).exec(`update attempts set problem = 'damaged'`);
    const { code, out, err } = await purchases('show', one.id);
    expect([code, out]).toEqual([0, expect.stringContaining(one.reference)]);
    expect(err).toMatch(
      new RegExp(`^Left out: the record is damaged: the row of attempts \\(${one.id} 1\\) `),
    );
    const settled = ['settle', one.id, '--as', 'succeeded', '--token', TOKEN, ...why];
    expect((await purchases(...settled)).code).toBe(0);
    expect((await purchases('retry', other.id, ...why)).code).toBe(0);
  });

  it('takes at once what SUCCEEDED, whatever may still be processed', async () => {
    const { id } = await purchaseIn(journal, 'NEEDS_ATTENTION');
    const argv = ['settle', id, '--as', 'succeeded', '--token', TOKEN, ...why];
    expect((await command('purchases', argv, path, { now: later(1_001) })).code).toBe(0);
  });

  it('refuses while a call about it is under way, and so does retry', async () => {
    const { id } = await purchaseIn(journal, 'UNRESOLVED');
    await journal.startAttempt(id, 'UNRESOLVED', newAttempt({ kind: 'RETRY' }), to('UNRESOLVED'));
    const before = await trace(journal, id);
    for (const argv of [
      ['settle', id, '--as', 'failed', ...why],
      ['retry', id, ...why],
    ]) {
      const { code, err } = await purchases(...argv);
      expect([code, err]).toEqual([1, expect.stringMatching(/under way.*start one: it picks it up/)]);
    }
    expect(await trace(journal, id)).toEqual(before);
  });
});

describe('retry', () => {
  it('makes it due at once; one that was given up keeps who asked and why', async () => {
    const given = await aStory();
    const waiting = await purchaseIn(journal, 'UNRESOLVED');
    for (const { id, status } of [given, waiting]) {
      const { code, out } = await purchases('retry', id, ...why);
      expect([code, out]).toEqual([0, expect.stringContaining(`was ${status} and is UNRESOLVED.`)]);
    }
    const due = await journal.due({ now: later(600_000), horizon: later(1e9), limit: 10 });
    expect(due.map(({ id }) => id).sort()).toEqual([given.id, waiting.id].sort());
    expect(await reasonOf(given.id)).toEqual({ author: 'kagiso', reason: 'ScratchPower ticket 4711' });
    expect(await journal.purchase('id', given.id)).toMatchObject({ unresolvedSince: later(600_000) });
    expect((await journal.purchase('id', waiting.id))?.lastEvent).toBe(waiting.lastEvent);
  });
});

describe('statement', () => {
  const sold = (at: number, more: Parameters<typeof newPurchase>[0] = {}) => {
    const charges = { entry: null, net: null, total: bwp('102.50'), charge: bwp('2.50'), commission: null };
    const tokens = [{ kind: 'CREDIT', digits: TOKEN }] as const;
    const change = to('SUCCEEDED', { charges, tokens, updatedAt: later(at), settledAt: later(at) });
    return journal
      .begin(newPurchase(more), newAttempt())
      .then(({ purchase }) => finish(journal, { purchaseId: purchase.id, number: 1 }, change));
  };
  const HOURS = 3_600_000;

  it('is of the day on which each was settled, in its zone, and of what has no outcome', async () => {
    const today = await sold(0);
    await sold(10 * HOURS);
    const other = await sold(1, { order: { ...order, accountId: 8 } });
    const open = await aStory();
    const byHand = await purchaseIn(journal, 'UNRESOLVED');
    await journal.decide(byHand.id, someone, () => to('SUCCEEDED', { settledAt: later(5) }));
    await purchaseIn(journal, 'FAILED');
    const { code, out, err } = await script('purchases', ['statement', '--date', '2026-03-01'], path);
    expect([code, err]).toEqual([0, '1 without an outcome yet: print it again when they have one.\n']);
    const [head, ...lines] = out.trimEnd().split('\r\n');
    expect(head).toContain('row,account,currency,reference');
    const expected = [
      ...[today, open, byHand].map(({ reference }) => reference).sort(),
      ...['', other.reference, ''],
    ];
    expect(lines.map((line) => line.split(',')[3])).toEqual(expected);
    expect(lines.find((line) => line.includes(byHand.reference))).toContain(',yes,');
    expect(lines[3]).toBe('TOTAL,7,BWP,,,,,,,,,,,200.00,0.00,2.50,0.00,102.50,0.00,1,2,1,1,default');
    const utc = await purchases('statement', '--date', '2026-03-01', '--zone', 'UTC', '--account', '7');
    expect(utc.out).toContain('TOTAL,7,BWP,,,,,,,,,,,300.00,0.00,5.00,0.00,205.00,0.00,2,3,1,1');
    expect(utc.out).not.toContain(other.reference);
    const before = await purchases('statement', '--date', '2026-02-28');
    expect(before.out.trimEnd().split('\r\n')).toHaveLength(1);
  });

  it('is written into a new file, for its owner only, and into no other', async () => {
    await sold(0);
    const file = join(dirname(path), 'statement.csv');
    const argv = ['statement', '--date', '2026-03-01', '--out', file];
    expect(await purchases(...argv)).toMatchObject({ code: 0, out: '', err: '' });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).toContain('TOTAL,7,BWP');
    expect((await purchases(...argv)).err).toMatch(/--out: .*statement\.csv exists\. Name a new file/);
    const nowhere = await purchases('statement', '--date', '2026-03-01', '--out', `${file}/x.csv`);
    expect([nowhere.code, nowhere.err]).toEqual([1, expect.stringMatching(/--out: .*cannot be written/)]);
  });
});

describe('what cannot be done', () => {
  it.each([['show'], ['settle', '--as', 'failed', ...why], ['retry', ...why]])(
    '%s of a purchase that there is not',
    async (...argv) => {
      const { code, out, err } = await purchases(...argv, 'GW-nobody');
      expect([code, out]).toEqual([1, '']);
      expect(err).toMatch(/There is no purchase "GW-nobody".*DATABASE_URL/);
    },
  );

  it.each<[what: string, argv: string[], told: RegExp]>([
    ['no command', [], /Usage: scratchpower-graphql purchases/],
    ['an unknown command', ['sell'], /unknown command 'sell'/],
    ['no purchase', ['show'], /missing required argument 'purchase'/],
    ['an unknown option', ['list', '--all'], /unknown option '--all'/],
    ['a status that there is not', ['list', '--status', 'LOST'], /Allowed choices are PENDING/],
    ['an account that is none', ['list', '--account', 'x'], /whole number/],
    ['a limit of nothing', ['list', '--limit', '0'], /from 1 to 99999/],
    ['a time that is none', ['list', '--since', 'yesterday'], /2026-03-01T12:00Z/],
    ['no reason', ['settle', 'x', '--as', 'failed'], /required option '--reason/],
    ['no outcome', ['settle', 'x', '--reason', 'y'], /required option '--as/],
    ['another outcome', ['settle', 'x', '--as', 'PENDING', '--reason', 'y'], /succeeded, failed/],
    ['no day', ['statement'], /required option '--date/],
    ['a day that is none', ['statement', '--date', '2026-02-30'], /must be a day/],
    ['a zone that is none', ['statement', '--date', '2026-03-01', '--zone', 'X'], /IANA time zone/],
  ])('a call with %s exits 2 and tells how', async (_what, argv, told) => {
    const { code, out, err } = await purchases(...argv);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(told);
  });

  it('--help tells each command, and exits 0', async () => {
    const all = await purchases('--help');
    expect([all.code, all.err]).toEqual([0, '']);
    for (const name of ['list', 'show', 'settle', 'retry', 'statement']) {
      expect(all.out).toContain(`  ${name} [options]`);
      expect((await purchases(name, '--help')).out).toMatch(
        new RegExp(`Usage: scratchpower-graphql purchases ${name}`),
      );
    }
  });

  it('a record that is not there, is another program’s, or cannot be named', async () => {
    const missing = await script('purchases', ['list'], `${path}.not`);
    expect(missing).toMatchObject({ code: 1, out: '' });
    expect(missing.err).toMatch(/gateway\.db\.not cannot be used: there is no such file/);
    await writeFile(`${path}.txt`, 'words '.repeat(1_000));
    expect((await command('purchases', ['list'], `${path}.txt`)).err).toMatch(/not a SQLite database/);
    await mkdir(`${path}.folder`);
    expect(await command('purchases', ['list'], `${path}.folder`)).toMatchObject({ code: 1 });
    expect((await command('purchases', ['list'], '')).err).toMatch(/DATABASE_URL must be file:PATH/);
  });
});
