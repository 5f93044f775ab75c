import { describe, expect, it } from 'vitest';

import { Dispatcher } from '../../src/purchases/dispatcher.ts';
import { UnreadableError, type Journal } from '../../src/purchases/journal.ts';
import type { Purchase, RawAnswer } from '../../src/purchases/purchase.ts';
import type { Reading, Sent, Vending } from '../../src/purchases/vending.ts';
import { finish, newAttempt, newPurchase, to } from '../journal/fixtures.ts';
import { MemoryJournal, MemoryRecord } from '../simulation/memory-journal.ts';
import { SimulatedProcess } from '../simulation/process.ts';
import { World } from '../simulation/world.ts';
import { someProblem } from '../support/domain.ts';

const MAY_LAND = 5_000;
const denied: Reading = { outcome: 'DENIED', problem: { ...someProblem, type: 'NOT_FOUND' }, isKnown: false };
const unknown: Reading = { outcome: 'UNKNOWN', problem: someProblem };
const lost: Sent = { kind: 'LOST', problem: someProblem };
const raw: RawAnswer = { status: 404, body: '', complete: true, retryAfterSeconds: null };

/** A dispatcher on simulated time, whose upstream says what the test tells it to say. */
async function setting() {
  const world = new World(1);
  const { runtime } = new SimulatedProcess(world, 'one');
  const record = new MemoryRecord();
  const journal: Journal = new MemoryJournal(record, { instance: 'one', shared: true });
  const other = new MemoryJournal(record, { instance: 'other', shared: true });
  const says: { sent: Sent; reading: Reading; takesMs: number } = { sent: lost, reading: denied, takesMs: 0 };
  const answer = () => world.sleep(says.takesMs).then(() => says.sent);
  const vending: Pick<Vending, 'confirm' | 'retry' | 'read'> = {
    confirm: answer,
    retry: answer,
    read: () => says.reading,
  };
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const upstream = { on: () => vending };
  const policy = { baseDelayMs: 100, maxDelayMs: 100, giveUpAfterMs: 3_600_000 };
  const liveness = { lease: { epoch: 0 }, holds: () => true };
  const dispatcher = new Dispatcher({
    ...{ journal, upstream, liveness, runtime, log, policy, mayLandMs: MAY_LAND },
  });
  const slot = { release: () => undefined };
  const play = async <T>(work: Promise<T>): Promise<T> => {
    const end = { come: false };
    const come = () => void (end.come = true);
    work.then(come, come);
    await new Promise((resume) => setImmediate(resume));
    await world.run(Infinity, () => end.come);
    if (!end.come) throw new Error('it does not come to an end');
    return work;
  };
  const { purchase } = await journal.begin(newPurchase(), newAttempt());
  const { id } = purchase;
  await finish(journal, { purchaseId: id, number: 1 }, to('UNRESOLVED'));
  /** One retry; the purchase as it is after it. */
  const retry = async (sent: Sent, reading = denied, takesMs = 0): Promise<Purchase | undefined> => {
    Object.assign(says, { sent, reading, takesMs });
    await play(
      dispatcher.launch(id, slot, () =>
        journal.startAttempt(id, 'UNRESOLVED', newAttempt({ kind: 'RETRY' }), to('UNRESOLVED')),
      ),
    );
    await play(Promise.resolve(dispatcher.active.get(id)));
    return journal.purchase('id', id);
  };
  const wait = (ms: number) => play(world.sleep(ms));
  return { id, retry, wait, other, journal, dispatcher, slot, play };
}

const answered: Sent = { kind: 'ANSWERED', answer: raw };

describe('a denial', () => {
  it('counts once what was sent before this process began can have landed, and settles when it comes twice', async () => {
    const { retry, wait } = await setting();
    expect(await retry(answered)).toMatchObject({ status: 'UNRESOLVED', deniedInARow: 0 });
    await wait(MAY_LAND - 1);
    expect(await retry(answered)).toMatchObject({ deniedInARow: 0 });
    await wait(2);
    expect(await retry(answered)).toMatchObject({ status: 'UNRESOLVED', deniedInARow: 1 });
    expect(await retry(answered)).toMatchObject({ status: 'FAILED' });
  });

  it('counts as of when it was asked for, not of when it came', async () => {
    const { retry, wait } = await setting();
    await retry(answered);
    await wait(MAY_LAND - 10);
    expect(await retry(answered, denied, 20)).toMatchObject({ deniedInARow: 0 });
    expect(await retry(answered)).toMatchObject({ deniedInARow: 1 });
  });

  it.each<[string, Sent, Reading]>([
    ['was lost', lost, denied],
    ['said nothing certain', answered, unknown],
  ])('does not count while a retry that %s may still land', async (_how, sent, reading) => {
    const { retry, wait } = await setting();
    await retry(answered);
    await wait(MAY_LAND + 1);
    expect(await retry(answered)).toMatchObject({ deniedInARow: 1 });
    expect(await retry(sent, reading)).toMatchObject({ deniedInARow: 0 });
    expect(await retry(answered)).toMatchObject({ deniedInARow: 0 });
    await wait(MAY_LAND + 1);
    expect(await retry(answered)).toMatchObject({ deniedInARow: 1 });
  });

  it('does not count while what another instance sent may still land', async () => {
    const { id, retry, wait, other } = await setting();
    await retry(answered);
    await wait(MAY_LAND + 1);
    const attempt = newAttempt({ kind: 'RETRY' });
    await other.startAttempt(id, 'UNRESOLVED', attempt, to('UNRESOLVED'));
    await finish(other, { purchaseId: id, number: 3 }, to('UNRESOLVED'));
    expect(await retry(answered)).toMatchObject({ deniedInARow: 0 });
    await wait(MAY_LAND + 1);
    expect(await retry(answered)).toMatchObject({ deniedInARow: 1 });
    expect(await retry(answered)).toMatchObject({ status: 'FAILED' });
  });
});

describe('what cannot be read', () => {
  const damaged = new UnreadableError('the record is damaged');

  it('of an earlier attempt may say that it was sold: no denial counts against it', async () => {
    const { id, retry, wait, journal } = await setting();
    await retry(answered);
    await wait(MAY_LAND + 1);
    const attempts = journal.attempts.bind(journal);
    let isDamaged = true;
    journal.attempts = async (ids, unreadable) => {
      const all = await attempts(ids);
      if (!isDamaged) return all;
      if (unreadable === undefined) throw damaged;
      unreadable(id, damaged);
      return all.filter(({ number }) => number > 1);
    };
    for (let n = 0; n < 3; n += 1)
      expect(await retry(answered)).toMatchObject({ status: 'UNRESOLVED', deniedInARow: 0 });
    isDamaged = false;
    expect(await retry(answered)).toMatchObject({ deniedInARow: 1 });
    expect(await retry(answered)).toMatchObject({ status: 'FAILED' });
  });

  it('is not tried again without end: the place is given back', async () => {
    const { id, journal, dispatcher, slot, play } = await setting();
    journal.finishAttempt = () => Promise.reject(damaged);
    await play(
      dispatcher.launch(id, slot, () =>
        journal.startAttempt(id, 'UNRESOLVED', newAttempt({ kind: 'RETRY' }), to('UNRESOLVED')),
      ),
    );
    await expect(play(Promise.resolve(dispatcher.active.get(id)))).rejects.toBe(damaged);
    await play(Promise.resolve());
    expect(dispatcher.active.size).toBe(0);
  });
});
