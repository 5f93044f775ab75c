/** A bug as somebody might write it: what is replaced by what, and the tests that must notice. */
export interface PlantedBug {
  readonly changes: readonly { readonly file: string; readonly from: string; readonly to: string }[];
  readonly caughtBy: string;
}

const dispatcher = 'src/purchases/dispatcher.ts';
const outcome = 'src/purchases/outcome.ts';

/** They live here, and are put in while a test run reads the source: nothing in src knows of them. */
export const plantedBugs: Readonly<Record<string, PlantedBug>> = {
  'a confirm is sent again when its answer is lost': {
    changes: [
      {
        file: dispatcher,
        from: 'sent = await vending.confirm(order, reference, call);',
        to: 'sent = await vending.confirm(order, reference, call); if (sent.kind === "LOST") sent = await vending.confirm(order, reference, call);',
      },
    ],
    caughtBy: 'test/purchases/service.test.ts',
  },
  'a 500 is taken for FAILED': {
    changes: [
      {
        file: 'src/datasources/failure.ts',
        from: 'if (status < 500 && !UNDECIDED.has(status)) return refusal;',
        to: 'if (!UNDECIDED.has(status)) return refusal;',
      },
    ],
    caughtBy: 'test/datasources/failure.test.ts',
  },
  'the intent is written after the send': {
    changes: [
      {
        file: 'src/purchases/service.ts',
        from: '    let begun;\n',
        to: '    await this.#options.upstream.on(offer.order.surface).confirm(offer.order, purchase.reference, attempt);\n    let begun;\n',
      },
    ],
    caughtBy: 'test/purchases/service.test.ts',
  },
  'the raw answer is not kept': {
    changes: [
      {
        file: dispatcher,
        from: '() => this.#options.journal.keepAnswer(attempt, answer),',
        to: '() => Promise.resolve(),',
      },
    ],
    caughtBy: 'test/purchases/service.test.ts',
  },
  'an answer that could not be kept is read': {
    changes: [{ file: dispatcher, from: 'if (!kept) return this.#asRecorded(purchase.id);', to: '' }],
    caughtBy: 'test/purchases/sending.test.ts',
  },
  'the reconciler works on what is being worked on': {
    changes: [
      {
        file: 'src/purchases/reconciler.ts',
        from: 'if (dispatcher.active.has(id) || this.#pickingUp.has(id)) continue;',
        to: '',
      },
      {
        file: dispatcher,
        from: 'if (this.#active.has(purchase.id)) return;',
        to: '',
      },
    ],
    caughtBy: 'test/purchases/service.test.ts',
  },
  'the record does not wait for the disk': {
    changes: [
      { file: 'src/journal/sqlite.ts', from: 'pragma synchronous = full', to: 'pragma synchronous = off' },
      { file: 'src/journal/sqlite.ts', from: 'synchronous: 2', to: 'synchronous: 0' },
    ],
    caughtBy: 'test/journal/sqlite.test.ts',
  },
  'who has written does not wait for the disk': {
    changes: [{ file: 'src/journal/sqlite/database.ts', from: 'await this.#disk.settled();', to: '' }],
    caughtBy: 'test/journal/sqlite-disk.test.ts',
  },
  'who has looked something up does not wait for the disk': {
    changes: [
      {
        file: 'src/journal/sqlite/store.ts',
        from: 'if (row !== undefined) await disk?.settled();',
        to: '',
      },
    ],
    caughtBy: 'test/journal/sqlite-disk.test.ts',
  },
  'whose commit failed is told that it was written': {
    changes: [
      {
        file: 'src/journal/sqlite/store.ts',
        from: "database.command('commit');",
        to: "try { database.command('commit'); } catch { this.#rollback(); }",
      },
    ],
    caughtBy: 'test/journal/sqlite-together.test.ts',
  },
  'the disk is not asked': {
    changes: [{ file: 'src/journal/sqlite/disk.ts', from: 'await file.datasync();', to: '' }],
    caughtBy: 'test/journal/sqlite-disk.test.ts',
  },
  'what is written while the disk works is taken for durable': {
    changes: [
      {
        file: 'src/journal/sqlite/disk.ts',
        from: 'this.#durable = upTo;',
        to: 'this.#durable = this.#written;',
      },
    ],
    caughtBy: 'test/journal/sqlite-disk.test.ts',
  },
  'the event is written outside the transaction': {
    changes: [
      {
        file: 'src/journal/sqlite/store.ts',
        from: "database.command('begin immediate');",
        to: '',
      },
      { file: 'src/journal/sqlite/store.ts', from: "database.command('commit');", to: '' },
    ],
    caughtBy: 'test/journal/sqlite.test.ts',
  },
  '"not found" is believed at once': {
    changes: [
      { file: outcome, from: 'const DENIALS_NEEDED = 2;', to: 'const DENIALS_NEEDED = 1;' },
      { file: outcome, from: 'mayLandForMs <= 0 && ', to: '' },
    ],
    caughtBy: 'test/purchases/outcome.test.ts',
  },
  '"not found" is believed after a success that could not be read': {
    changes: [{ file: outcome, from: ' && !isBelied;', to: ';' }],
    caughtBy: 'test/e2e/money-rules.test.ts',
  },
  'a retry that is told FAILED is believed at once': {
    changes: [
      {
        file: 'src/datasources/failure.ts',
        from: "if (expected.kind === 'RETRY') return {",
        to: 'if (!told) return {',
      },
    ],
    caughtBy: 'test/datasources/failure.test.ts',
  },
  'a confirm is sent again by who has read the record before another sent one': {
    changes: [
      { file: 'src/journal/writes.ts', from: "if (attempt.kind === 'CONFIRM' && ", to: 'if (!attempt && ' },
    ],
    caughtBy: 'test/journal/sqlite.test.ts',
  },
  'an instance that joins again counts from the beginning': {
    changes: [{ file: 'src/journal/record.ts', from: 'beat: this.#signs }', to: 'beat: 1 }' }],
    caughtBy: 'test/journal/sqlite.test.ts',
  },
  'what was recorded before a long pause is sent after it': {
    changes: [{ file: dispatcher, from: 'liveness.holds(lease)', to: 'true' }],
    caughtBy: 'test/simulation/simulation.test.ts',
  },
  'an instance that was taken for dead goes on under its old lease': {
    changes: [
      { file: 'src/purchases/liveness.ts', from: 'if (epoch !== this.#epoch) return false;', to: '' },
    ],
    caughtBy: 'test/purchases/liveness.test.ts',
  },
  'a lease is counted from the end of its writing': {
    changes: [
      {
        file: 'src/purchases/liveness.ts',
        from: 'if (await journal.beat()) this.#validUntil = startedAt + leaseMs;',
        to: 'if (await journal.beat()) this.#validUntil = runtime.monotonic() + leaseMs;',
      },
    ],
    caughtBy: 'test/purchases/liveness.test.ts',
  },
  'a retry that was lost is forgotten': {
    changes: [
      {
        file: dispatcher,
        from: "if (attempt.kind === 'RETRY' && (result.outcome === 'LOST' || result.outcome === 'UNKNOWN'))",
        to: 'if (Math.random() > 2)',
      },
    ],
    caughtBy: 'test/purchases/dispatcher.test.ts',
  },
  'another instance’s requests are forgotten': {
    changes: [{ file: dispatcher, from: 'left.attempt < attempt.number - 1', to: 'left.attempt < 0' }],
    caughtBy: 'test/purchases/dispatcher.test.ts',
  },
  'a look-up forgets the integration': {
    changes: [
      {
        file: 'src/journal/statements.ts',
        from: ".where(column, '=', value('value'))\n      .where('integration', '=', value('integration'))",
        to: ".where(column, '=', value('value'))",
      },
    ],
    caughtBy: 'test/journal/sqlite.test.ts',
  },
  'what FAILED is tried again outside the limit of the day': {
    changes: [
      {
        file: 'src/journal/writes.ts',
        from: "const spends = from === 'FAILED' ? mandate : undefined;",
        to: 'const spends = undefined;',
      },
    ],
    caughtBy: 'test/journal/sqlite.test.ts',
  },
  'digits are given out before it is written to whom': {
    changes: [
      {
        file: 'src/schema/purchase.ts',
        from: 'return loaders.reveal.load(purchaseId).then(() => secret);',
        to: 'loaders.reveal.load(purchaseId).catch(() => undefined); return secret;',
      },
    ],
    caughtBy: 'test/schema/reveals.test.ts',
  },
  'what another instance works on is concluded': {
    changes: [
      { file: 'src/journal/writes.ts', from: 'if (owner !== instance) throw', to: 'if (!owner) throw' },
    ],
    caughtBy: 'test/journal/sqlite.test.ts',
  },
  'what another instance is taking over is looked at without waiting': {
    changes: [
      {
        file: 'src/journal/statements.ts',
        from: '.$if(locksRows, (query) => query.forUpdate())',
        to: '.$if(!locksRows, (query) => query)',
      },
    ],
    caughtBy: 'test/journal/postgres-order.test.ts',
  },
  'a person settles as FAILED what may still be processed': {
    changes: [
      {
        file: 'src/purchases/by-hand.ts',
        from: 'return last > now.getTime() ? new Date(last) : null;',
        to: 'return last > now.getTime() ? null : null;',
      },
    ],
    caughtBy: 'test/purchases/by-hand.test.ts',
  },
};
