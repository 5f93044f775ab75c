import { channel } from 'node:diagnostics_channel';
import { open, type FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';

import { gather } from '../../purchases/gather.ts';

/** For whoever counts: one message for each time that the disk was waited for. Costs nothing while nobody listens. */
const flushed = channel('scratchpower:journal:flush');

/**
 * Brings what was committed to the disk without holding up the event loop. A commit with `synchronous=FULL` writes to
 * the WAL and waits for the disk (fsync), and the whole process waits with it, for some milliseconds each time. Here the
 * commit only writes (`synchronous=NORMAL`), and the disk is waited for in a thread of the pool: once for all commits
 * that were written before it began. Whoever wrote, and whoever read what was written, goes on only after that; so
 * nothing is sent, answered or told that a power cut can take back (R2, R3).
 *
 * https://sqlite.org/pragma.html#pragma_synchronous: with NORMAL a transaction is durable once the WAL is on disk; SQLite
 * itself waits for the disk before a checkpoint and after it.
 */
export class Disk {
  readonly #flush: () => Promise<void>;
  readonly #close: () => Promise<void>;
  readonly #turn: (() => Promise<unknown>) | undefined;
  #written = 0;
  #durable = 0;
  #flushing: Promise<void> | undefined;
  #failed: { readonly error: unknown } | undefined;

  /**
   * `flush` brings to the disk all that was written before it was called. `turn` waits for the next turn of the event
   * loop, so that those who are about to write share the flush; without it each flush begins at once.
   */
  constructor(
    flush: () => Promise<void>,
    options: { close?: () => Promise<void>; turn?: () => Promise<unknown> } = {},
  ) {
    this.#flush = flush;
    this.#close = options.close ?? (() => Promise.resolve());
    this.#turn = options.turn;
  }

  /**
   * The disk under the WAL of a database, which must be open for as long. SQLite has no lock on that file which closing
   * it would drop, and never makes another one while a connection is open.
   */
  static underWal(path: string): Disk {
    let file: FileHandle | undefined;
    const flush = async () => {
      file ??= await open(`${path}-wal`, 'r+');
      await file.datasync();
    };
    return new Disk(flush, { close: async () => file?.close(), turn: () => setImmediate() });
  }

  /** To be called right after each commit, before anybody can read what it wrote. */
  wrote(): void {
    this.#written += 1;
  }

  /**
   * Resolves when all that is written by now is on disk; at once when it is. Rejects for ever once a flush failed: after
   * that nobody knows what is on disk, for the operating system forgets what it could not write
   * (https://lwn.net/Articles/752063/). A restart reads what is really there.
   */
  async settled(): Promise<void> {
    const wanted = this.#written;
    while (this.#failed === undefined && this.#durable < wanted) await (this.#flushing ??= this.#flushOnce());
    if (this.#failed !== undefined) throw new FlushError(this.#failed.error);
  }

  /** Once nothing is written any more. */
  async close(): Promise<void> {
    await this.#flushing;
    await this.#close();
  }

  async #flushOnce(): Promise<void> {
    // Whoever is about to write shares the flush.
    const turn = this.#turn;
    if (turn !== undefined) await gather({ turn, count: () => this.#written, quietTurns: 2 });
    const upTo = this.#written;
    try {
      await this.#flush();
      const writes = upTo - this.#durable;
      this.#durable = upTo;
      if (flushed.hasSubscribers) flushed.publish({ writes });
    } catch (error) {
      this.#failed = { error };
    }
    this.#flushing = undefined;
  }
}

export class FlushError extends Error {
  override readonly name = 'FlushError';

  constructor(cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`the disk failed (${why}). Look at the disk, then start the gateway again.`, { cause });
  }
}
