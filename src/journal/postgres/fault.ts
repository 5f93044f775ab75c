import { NewerRecordError } from '../migrate.ts';

/** The server's SQLSTATE, or the operating system's code, such as 23505 or ECONNREFUSED. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string' && error.code !== '') return error.code;
  return noCode.find(([text]) => text.test(error.message))?.[1];
}

/** What node-postgres says in words only. */
const noCode: readonly (readonly [text: RegExp, code: string])[] = [
  [/SASL|password must be a string/i, '28P01'],
  [/timeout exceeded when trying to connect/, 'POOL_BUSY'],
  [/read timeout/i, 'NO_ANSWER'],
  [/connection (terminated|timeout)|timeout expired|not queryable|encountered a connection error/i, '08006'],
  [/does not support SSL/, 'NO_SSL'],
];

/** First match wins. */
const remedies: readonly (readonly [code: RegExp, sentence: string])[] = [
  [/^28/, 'the server refuses the user or the password. Correct them in DATABASE_URL, or pg_hba.conf there.'],
  [/^3D000$/, 'there is no such database. Create it (createdb), or name another in DATABASE_URL.'],
  [
    /^3F000$/,
    'there is no schema that the user may write to. Create the one of the search_path and grant USAGE and CREATE on it, or name another.',
  ],
  [
    /^42501$/,
    'the user lacks privileges. Grant it CONNECT on the database, and USAGE and CREATE on the schema.',
  ],
  [/^42P07$/, 'it holds tables of another program. Name another database, or another schema by search_path.'],
  [
    /^53300$/,
    'the server has no connection left. Raise max_connections there, or lower DATABASE_POOL: every instance takes that many and three more.',
  ],
  [/^25006$/, 'the server is read-only: a standby, or set so. Name the primary in DATABASE_URL.'],
  [/^(53100|58030)$/, "the server's disk is full or failed. Make room on it, or replace it."],
  [/^XX00[12]$/, 'it is damaged. Stop every gateway and restore a backup.'],
  [/^57P/, 'the server is starting or stopping. Wait, or start it.'],
  [
    /^(57014|NO_ANSWER)$/,
    'a statement took too long. Look for what blocks it, or raise DATABASE_STATEMENT_TIMEOUT_MS.',
  ],
  [
    /^POOL_BUSY$/,
    'no connection was free or could be made in time. Look for a slow server, or raise DATABASE_POOL.',
  ],
  [
    /^(NO_SSL|.*CERT.*|ERR_TLS.*)$/,
    'no TLS connection could be made. Correct sslmode and sslrootcert in DATABASE_URL.',
  ],
  [
    /^(08|ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EHOST|ENET|EPIPE|ENOENT|EACCES)/,
    'the server cannot be reached. Start it, or correct host and port in DATABASE_URL.',
  ],
];

class RecordFault extends Error {
  override readonly name = 'RecordFault';
}

/** What an operator reads: which database, what is wrong, what to do. `where` has no password. */
export function fault(where: string, error: unknown): Error {
  if (error instanceof RecordFault) return error;
  const prefix = `The record in ${where} cannot be used: `;
  const told = (sentence: string) => new RecordFault(prefix + sentence, { cause: error });
  if (error instanceof NewerRecordError) {
    return told(`${error.message}. Run the newer version of the gateway, or name another database.`);
  }
  const code = codeOf(error);
  const remedy = code === undefined ? undefined : remedies.find(([pattern]) => pattern.test(code))?.[1];
  const message = error instanceof Error && error.message !== '' ? error.message : String(error);
  return told(remedy === undefined ? message : `${remedy} (${code ?? ''}: ${message})`);
}
