import { Client, type ClientConfig } from 'pg';

import type { PurchaseEvent } from '../../purchases/purchase.ts';
import type { Log, Runtime } from '../../purchases/runtime.ts';
import type { Committed, Wake } from '../store.ts';
import { codeOf } from './fault.ts';

export interface WakerOptions {
  /** For a connection of its own. */
  readonly connection: ClientConfig;
  /** The record's name among all that lie in the database. */
  readonly channel: string;
  readonly runtime: Pick<Runtime, 'sleep' | 'random'>;
  readonly log: Pick<Log, 'warn'>;
}

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

/**
 * Wakes the readers of an integration's events when this instance or another has committed some (LISTEN, NOTIFY). It
 * carries the integration's name and promises nothing: a wake-up that is lost, with its connection or with an instance that dies between a commit and its
 * notification, is made up for by the readers, who look for themselves about each second.
 *
 * So the notification is not part of the transaction, where it would lengthen every commit, and where the server lets
 * only one transaction at a time commit that notifies, of all in all its databases. One is under way at a time; commits
 * that happen meanwhile share the next.
 */
export class Waker {
  readonly #options: WakerOptions;
  readonly #channel: string;
  readonly #wakes = new Set<{ readonly integration: string; readonly wake: Wake }>();
  readonly #closing = new AbortController();
  #loop: Promise<void> | undefined;
  #client: Client | undefined;
  #notifying = false;
  #owed = new Set<string>();

  constructor(options: WakerOptions) {
    this.#options = options;
    this.#channel = `"${options.channel.replaceAll('"', '""')}"`;
  }

  /** Resolves once it listens, or has failed to for the first time: it goes on trying. */
  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#loop ??= this.#run(resolve);
    });
  }

  onWake(integration: string, wake: Wake): () => void {
    // Wrapped, so that the same function given twice is two listeners.
    const listener = { integration, wake };
    this.#wakes.add(listener);
    return () => this.#wakes.delete(listener);
  }

  /** Wakes the readers here at once, and those of the other instances soon. */
  committed(wrote: Committed): void {
    for (const [integration, events] of wrote) {
      this.#wake(integration, events);
      this.#owed.add(integration);
    }
    void this.#notify();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#client?.end().catch(() => undefined);
    await this.#loop;
  }

  /** In turns of their own: what a listener throws must not make a committed write look failed. All, when none is named. */
  #wake(integration?: string, events?: readonly PurchaseEvent[]): void {
    for (const one of this.#wakes)
      if (integration === undefined || one.integration === integration)
        queueMicrotask(() => one.wake(events));
  }

  async #notify(): Promise<void> {
    if (this.#notifying) return;
    this.#notifying = true;
    let owed = new Set<string>();
    try {
      while (this.#owed.size > 0 && this.#client !== undefined) {
        const client = this.#client;
        [owed, this.#owed] = [this.#owed, new Set<string>()];
        const each = [...owed].map((name) => `notify ${this.#channel}, ${client.escapeLiteral(name)}`);
        await client.query(each.join('; '));
      }
    } catch {
      // The connection is lost, which its own loop is told. What is owed is notified by the next one.
      for (const name of owed) this.#owed.add(name);
      await this.#client?.end().catch(() => undefined);
    } finally {
      this.#notifying = false;
    }
  }

  async #run(tried: () => void): Promise<void> {
    const { runtime, log } = this.#options;
    const { signal } = this.#closing;
    let wait = FIRST_WAIT_MS;
    while (!signal.aborted) {
      const error = await this.#listen(() => {
        wait = FIRST_WAIT_MS;
        tried();
      }).catch((thrown: unknown) => thrown);
      if (!this.#closing.signal.aborted) {
        log.warn(
          { code: codeOf(error) },
          'live events come late: the record cannot be listened to; trying again',
        );
      }
      tried();
      await runtime.sleep(wait * (0.5 + runtime.random()), signal);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
  }

  /** Listens until the connection is lost. */
  async #listen(onListening: () => void): Promise<void> {
    const client = new Client(this.#options.connection);
    const lost = new Promise<Error | undefined>((resolve) => {
      client.on('error', resolve);
      client.on('end', () => resolve(undefined));
    });
    try {
      await client.connect();
      // Its notifications are transactions too, and nothing is lost with one: they need not wait for the disk.
      await client.query('set synchronous_commit = off');
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      const own = rows[0]?.pid;
      client.on('notification', ({ processId, payload }) => {
        if (processId !== own) this.#wake(payload === '' ? undefined : payload);
      });
      await client.query(`listen ${this.#channel}`);
      if (this.#closing.signal.aborted) return;
      this.#client = client;
      onListening();
      // What was committed while nobody listened.
      this.#wake();
      void this.#notify();
      const error = await lost;
      if (error !== undefined) throw error;
    } finally {
      this.#client = undefined;
      await client.end().catch(() => undefined);
    }
  }
}
