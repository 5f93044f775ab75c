import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { appendFile, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { Client } from 'pg';

import { freePort } from './process.ts';

export interface PostgresServer extends AsyncDisposable {
  /** As its administrator, who needs no password. */
  readonly url: string;
  start(settings?: Readonly<Record<string, string>>): Promise<void>;
  /** SIGINT: as a restart does. SIGQUIT: as a crash does. */
  stop(signal: 'SIGINT' | 'SIGQUIT'): Promise<void>;
}

const debian = '/usr/lib/postgresql';
const binaries = [
  ...(existsSync(debian) ? readdirSync(debian).map((version) => join(debian, version, 'bin')) : []),
  ...(process.env['PATH'] ?? '').split(':'),
].find((folder) => existsSync(join(folder, 'initdb')));

/** Why no server of our own can be started here; undefined when one can. In CI that is an error. */
export const noServer = binaries === undefined ? 'there is no initdb here' : undefined;
if (noServer !== undefined) {
  const remedy = 'Install a PostgreSQL server (Debian: apt-get install postgresql-15).';
  if (process.env['CI'] !== undefined)
    throw new Error(`The tests that restart PostgreSQL cannot run. ${remedy}`);
  process.stderr.write(`SKIPPED: the tests that restart PostgreSQL, for ${noServer}. ${remedy}\n`);
}

/** A server of its own, that a test may stop and break. Who is not its administrator needs a password. */
export async function startPostgresServer(
  settings: Readonly<Record<string, string>> = {},
): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'postgres-'));
  const bin = (name: string) => join(binaries ?? '', name);
  // PostgreSQL refuses to run as root.
  const idOf = (flag: string) => Number(execFileSync('id', [flag, 'postgres']).toString());
  const user = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {};
  if (user.uid !== undefined) await chown(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const port = await freePort();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const init = ['-D', data, '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--auth=trust', '--no-sync'];
  await promisify(execFile)(bin('initdb'), init, { ...user, cwd: folder });
  const own = `\nport = ${port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '${folder}'\n`;
  await appendFile(join(data, 'postgresql.conf'), own);
  const access = ['host all postgres 127.0.0.1/32 trust', 'host all all 127.0.0.1/32 scram-sha-256'];
  await writeFile(join(data, 'pg_hba.conf'), access.join('\n'));

  let child: ChildProcess | undefined;
  const start: PostgresServer['start'] = async (more = {}) => {
    const flags = Object.entries(more).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    child = spawn(bin('postgres'), ['-D', data, ...flags], { ...user, cwd: folder, stdio: 'ignore' });
    for (;;) {
      const client = new Client({ connectionString: url });
      try {
        await client.connect();
        return;
      } catch {
        if (child.exitCode !== null) throw new Error(`PostgreSQL ended with ${child.exitCode}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      } finally {
        await client.end().catch(() => undefined);
      }
    }
  };
  const stop = async (signal: NodeJS.Signals) => {
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };
  await start(settings);
  return {
    ...{ url, start, stop },
    [Symbol.asyncDispose]: async () => {
      await stop('SIGQUIT');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
