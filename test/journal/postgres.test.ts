import { describe } from 'vitest';

import type { SqlRecord } from '../../src/journal/record.ts';
import { noPostgres, temporarySchema } from '../support/postgres.ts';
import { journalSuite } from './journal-suite.ts';
import { openRecord } from './postgres-fixtures.ts';

describe.skipIf(noPostgres !== undefined)('a real server', () => {
  // Each instance has a pool of its own, as a process would.
  journalSuite('PostgreSQL', async () => {
    const schema = await temporarySchema();
    const records = new Map<string | undefined, Promise<SqlRecord>>();
    const as = async (instance?: string, integration = 'default') => {
      const record = records.get(instance) ?? openRecord(schema.url, { instance });
      records.set(instance, record);
      return (await record).of(integration);
    };
    return {
      journal: await as(),
      as,
      dispose: async () => {
        for (const record of records.values()) await (await record).close();
        await schema[Symbol.asyncDispose]();
      },
    };
  });
});
