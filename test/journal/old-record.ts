import { Kysely, type Migration } from 'kysely';

import { migrate } from '../../src/journal/migrate.ts';
import { Database, TransactionalSqliteDialect } from '../../src/journal/sqlite/database.ts';
import { APPLICATION_ID } from '../../src/journal/sqlite/existing.ts';
import { sqliteMigrations } from '../../src/journal/sqlite/migrations.ts';
import { NOON } from './fixtures.ts';

/** The migrations of the version before there were integrations. */
export const before = (migrations: Readonly<Record<string, Migration>>) =>
  Object.fromEntries(Object.entries(migrations).filter(([name]) => name < '0003'));

const order = JSON.stringify({
  ...{ surface: 'V1', productType: 'ELECTRICITY', provider: { code: 'BPC', name: 'BPC' }, accountId: 7 },
  ...{ subscriberIdentifier: '04040404040', beneficiaryPhoneNumber: '+26771000000' },
  ...{ amount: { amount: '100', currency: 'BWP' }, chargesOnTop: false, comment: null },
  ...{ language: 'en-BW', sourceChannel: 'WEB' },
});
const state = JSON.stringify({
  ...{ upstreamReference: null, subscriber: { identifier: '04040404040', name: null, address: null } },
  ...{ charges: null, tokens: [{ kind: 'CREDIT', digits: '12345678901234567890' }], units: null },
  ...{ receiptNumber: null, problem: null, updatedAt: NOON.getTime(), settledAt: null },
});
export const oldIds = [
  '019ca945-0a00-7000-8000-000000000001',
  '019ca945-0a00-7000-8000-000000000002',
] as const;
const purchase = (id: string, status: string, last: number) =>
  `insert into purchases values ('${id}', 'key-${id}', 'GW-${id}', null, '${order}', 'V1', 'ELECTRICITY', 7,
    '04040404040', '100', 'BWP', ${NOON.getTime()}, '${status}', '${state}', 0, null, 0, null, ${last}, 'old', ${
      status === 'PENDING' ? 1 : 0
    })`;
/** Of the version before there were integrations. */
export const oldRows = [
  purchase(oldIds[0], 'SUCCEEDED', 2),
  purchase(oldIds[1], 'PENDING', 3),
  `insert into attempts (purchase_id, number, kind, outcome, started_at, finished_at, request_id, answer_status,
    answer_body, answer_complete) values ('${oldIds[0]}', 1, 'CONFIRM', 'SUCCEEDED', 0, 1, 'r', 200, 'raw', 1)`,
  `insert into attempts (purchase_id, number, kind, outcome, started_at, request_id)
    values ('${oldIds[1]}', 1, 'CONFIRM', 'IN_FLIGHT', 0, 'r')`,
  `insert into events (position, purchase_id, at, status, state) values (1, '${oldIds[0]}', 0, 'PENDING', '${state}')`,
  `insert into events (position, purchase_id, at, status, state) values (2, '${oldIds[0]}', 5, 'SUCCEEDED', '${state}')`,
  `insert into events (position, purchase_id, at, status, state) values (3, '${oldIds[1]}', 6, 'PENDING', '${state}')`,
  `insert into quotes values ('q', '{"order":${order},"subscriber":{"identifier":"0","name":null,"address":null},"charges":{"entry":null,"net":null,"total":null,"charge":null,"commission":null}}', 0, 1)`,
];

/** A record as that version left it: two purchases, three events, a quote. */
export async function oldSqliteRecord(path: string, rows: readonly string[] = oldRows): Promise<void> {
  const database = new Database(path, { busyTimeoutMs: 200 });
  database.exec(`pragma application_id = ${APPLICATION_ID}; pragma foreign_keys = on`);
  const db = new Kysely<unknown>({ dialect: new TransactionalSqliteDialect({ database }) });
  await migrate(db, before(sqliteMigrations));
  for (const statement of rows) database.exec(statement);
  await db.destroy();
}
