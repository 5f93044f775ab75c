import Libsql from 'libsql/promise';

/**
 * After so many commits, unless one is under way still. The first commit after it begins the WAL anew, for which SQLite
 * waits for the disk itself: that is to be the lot of fewer than one in a hundred.
 */
const COMMITS_BETWEEN = 128;
/** Pages of 4 KiB in the WAL from which on a commit brings them over itself: where this does not keep up. */
export const PAGES_AT_MOST = 16_384;

/**
 * Brings what lies in the WAL over to the database, in another thread and on a connection of its own. SQLite does it by
 * itself within the commit that fills the WAL past a thousand pages, and waits for the disk twice: the whole process
 * waits with it, for some ten milliseconds. A PASSIVE checkpoint waits for nobody and holds up nobody.
 */
export class Checkpoints {
  readonly #path: string;
  #side: Libsql | undefined;
  #commits = 0;
  #running: Promise<void> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** To be called after each commit. */
  committed(): void {
    this.#commits += 1;
    if (this.#commits < COMMITS_BETWEEN || this.#running !== undefined) return;
    this.#commits = 0;
    this.#running = this.#checkpoint().finally(() => (this.#running = undefined));
  }

  async close(): Promise<void> {
    await this.#running;
    this.#side?.close();
    this.#side = undefined;
  }

  async #checkpoint(): Promise<void> {
    try {
      // On macOS an ordinary fsync does not reach the disk.
      this.#side ??= new Libsql(this.#path, { timeout: 0 });
      await this.#side.exec('pragma checkpoint_fullfsync = on; pragma wal_checkpoint(passive)');
    } catch {
      // Nothing is lost: it stays in the WAL, and the next time brings it over, or a commit that finds too much there.
    }
  }
}
