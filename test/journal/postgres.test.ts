import { describe } from 'vitest';

import type { Journal } from '../../src/purchases/journal.ts';
import { noPostgres, temporarySchema } from '../support/postgres.ts';
import { journalSuite } from './journal-suite.ts';
import { openRecord } from './postgres-fixtures.ts';

describe.skipIf(noPostgres !== undefined)('a real server', () => {
  // Each instance has a pool of its own, as a process would.
  journalSuite('PostgreSQL', async () => {
    const schema = await temporarySchema();
    const journals: Journal[] = [];
    const as = async (instance?: string, integration = 'default') => {
      const journal = (await openRecord(schema.url, { instance })).of(integration);
      journals.push(journal);
      return journal;
    };
    return {
      journal: await as(),
      as,
      dispose: async () => {
        for (const journal of journals) await journal.close();
        await schema[Symbol.asyncDispose]();
      },
    };
  });
});
