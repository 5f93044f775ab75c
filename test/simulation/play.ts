import { createUpstream } from '../../src/datasources/facade.ts';
import type { Exchange } from '../../src/datasources/transport.ts';
import type { PurchaseInput } from '../../src/purchases/input.ts';
import type { Journal } from '../../src/purchases/journal.ts';
import { isProblem } from '../../src/purchases/problem.ts';
import { canRetry, isSettled, type Purchase } from '../../src/purchases/purchase.ts';
import { Liveness } from '../../src/purchases/liveness.ts';
import { composePurchasing, type Purchasing } from '../../src/purchases/purchasing.ts';
import type { Log } from '../../src/purchases/runtime.ts';
import type { Upstream } from '../../src/purchases/vending.ts';
import { demoCredentials } from '../../sandbox/oauth.ts';
import { breachesOf } from '../attack/checker.ts';
import { readRecord, type Acknowledgement, type SeenEvent } from '../attack/history.ts';
import { Disk, journalOn } from './disk.ts';
import { MemoryJournal, MemoryRecord } from './memory-journal.ts';
import { referenceIn, SimulatedUpstream } from './network.ts';
import { SimulatedProcess } from './process.ts';
import type { Crash, Script, Wish } from './script.ts';
import { World } from './world.ts';

/** Delays shaped as the real ones are, an order of magnitude shorter. */
const CONFIRM_TIMEOUT_MS = 3_000;
const READ_TIMEOUT_MS = 2_000;
const LATE_LANDING_MS = 2_000;
const SHUTDOWN_MS = 4_000;
const LEASE_MS = 3_000;
/** After so long nothing new goes wrong. */
const TROUBLE_MS = 20_000;
/** By then every purchase must have an outcome. */
const LIVENESS_MS = 900_000;

interface Running {
  readonly process: SimulatedProcess;
  readonly journal: Journal;
  readonly purchasing: Purchasing;
  readonly upstream: Upstream;
  readonly liveness: Liveness;
}

export interface Played {
  readonly breaches: readonly string[];
  /** What happened, in order. */
  readonly trace: readonly string[];
  readonly purchases: readonly Purchase[];
  readonly debits: number;
}

/** Plays a script to its end and tells every promise that was broken on the way. */
export async function play(script: Script, open: OpenRecord = inMemory()): Promise<Played> {
  return new Play(script, open).run();
}

/** Opens one record as one instance of the gateway does. */
export type OpenRecord = (options: { instance: string; shared: boolean; integration: string }) => Journal;

function inMemory(): OpenRecord {
  const record = new MemoryRecord();
  return (options) => new MemoryJournal(record, options);
}

class Play {
  readonly #script: Script;
  readonly #world: World;
  readonly #open: OpenRecord;
  /** As an onlooker sees it. */
  readonly #record: Journal;
  readonly #upstream: SimulatedUpstream;
  readonly #disk: Disk;
  readonly #nodes: (Running | undefined)[];
  readonly #acknowledged: Acknowledgement[] = [];
  readonly #readers: SeenEvent[][];
  readonly #breaches: string[] = [];
  #busy = 0;
  #starts = 0;
  #ended = false;

  constructor(script: Script, open: OpenRecord) {
    const { seed, faults, outages, tokenSeconds, disk, nodes, readers } = script;
    this.#script = script;
    this.#open = open;
    this.#record = open({ instance: 'onlooker', shared: true, integration: 'default' });
    this.#world = new World(seed);
    this.#disk = new Disk(disk);
    this.#nodes = Array.from({ length: nodes });
    this.#readers = Array.from({ length: readers }, () => []);
    this.#upstream = new SimulatedUpstream({
      ...{ world: this.#world, faults, outages, tokenSeconds, lateLandingMs: LATE_LANDING_MS },
      onSend: (exchange) => void this.#watchSend(exchange),
      onDebit: (reference) => void this.#watchDebit(reference),
    });
  }

  async run(): Promise<Played> {
    const { wishes, crashes, jumps, pauses } = this.#script;
    const world = this.#world;
    this.#watchFailures();
    for (const node of this.#nodes.keys()) void this.#start(node);
    for (const crash of crashes) world.after(crash.at, () => void this.#crash(crash));
    for (const { at, ms } of jumps) world.after(at, () => world.jump(ms));
    for (const { at, ms, node } of pauses) world.after(at, () => this.#nodeOf(node)?.process.pause(ms));
    for (const wish of wishes) {
      for (let copy = 0; copy < wish.copies; copy += 1) this.#actor(() => this.#buy(wish, copy));
    }
    for (const seen of this.#readers) this.#actor(() => this.#read(seen));
    world.after(TROUBLE_MS, () => {
      this.#upstream.calmDown();
      void this.#attend();
    });
    await world.run(LIVENESS_MS, () => this.#ended);
    const history = {
      ...(await readRecord(this.#record)),
      ledger: this.#upstream.ledger,
      calls: this.#upstream.calls,
      acknowledged: this.#acknowledged,
      readers: this.#readers,
    };
    const last = history.events.length;
    const behind = this.#readers.flatMap((seen, reader) =>
      seen.length === last ? [] : [`R7: reader ${reader} saw ${seen.length} of ${last} events`],
    );
    return {
      breaches: [...this.#breaches, ...breachesOf(history), ...behind],
      trace: world.trace,
      purchases: history.purchases,
      debits: history.ledger.length,
    };
  }

  async #start(node: number): Promise<void> {
    const world = this.#world;
    const { surface, giveUpAfterMs } = this.#script;
    const process = new SimulatedProcess(world, `node ${node}`);
    this.#starts += 1;
    const opened = this.#open({
      ...{ instance: `${node}-${this.#starts}`, shared: this.#nodes.length > 1, integration: 'default' },
    });
    const journal = journalOn(this.#disk, opened, { world, process });
    const upstream = createUpstream({
      ...{ surface, baseUrl: 'http://upstream', credentials: demoCredentials, runtime: process.runtime },
      ...{ confirmTimeoutMs: CONFIRM_TIMEOUT_MS, readTimeoutMs: READ_TIMEOUT_MS },
      ...{ circuitFailures: 4, circuitOpenMs: 300 },
      connect: () => this.#upstream.carrierOf(process),
    });
    const log: Log = {
      info: () => undefined,
      warn: (_details, message) => world.note(`node ${node}: ${message}`),
      error: (_details, message) => world.note(`node ${node}: ${message}`),
    };
    const { runtime } = process;
    const liveness = new Liveness({ journal, runtime, log, leaseMs: LEASE_MS });
    const composing = liveness.start().then(() =>
      composePurchasing({
        ...{ journal, upstream, liveness, runtime, log, quoteTtlMs: 600_000 },
        mayLandMs: CONFIRM_TIMEOUT_MS + LATE_LANDING_MS,
        reconcile: {
          baseDelayMs: 1_000,
          maxDelayMs: 4_000,
          giveUpAfterMs,
          concurrency: 4,
          answerRetentionMs: 86_400_000,
        },
      }),
    );
    const purchasing = await composing.catch(() => undefined);
    if (purchasing === undefined) {
      // It exits with an error, and whoever looks after it starts it again.
      process.die();
      world.after(1_000, () => void this.#start(node));
      return;
    }
    world.note(`node ${node} is up`);
    this.#nodes[node] = { process, journal, purchasing, upstream, liveness };
    purchasing.reconciler.start();
  }

  #nodeOf(number: number): Running | undefined {
    return this.#nodes[number % this.#nodes.length];
  }

  async #crash({ node: number, events, downMs, how }: Crash): Promise<void> {
    const node = number % this.#nodes.length;
    const running = this.#nodes[node];
    if (running?.process.alive !== true) return;
    const { process } = running;
    if (process.doomed) return;
    process.onDeath(() => {
      this.#nodes[node] = undefined;
      this.#world.after(downMs, () => void this.#start(node));
    });
    process.doomed = true;
    if (how === 'killed') process.dieAfter(events);
    else await this.#stop(running);
  }

  /** As the gateway stops. */
  async #stop({ process, purchasing, liveness }: Running): Promise<void> {
    await purchasing.reconciler.stop();
    await purchasing.dispatcher.drain(SHUTDOWN_MS);
    await liveness.stop();
    purchasing.feed.close();
    process.die();
  }

  #actor(act: () => Promise<void>): void {
    this.#busy += 1;
    void act().finally(() => (this.#busy -= 1));
  }

  /** One call of a client, to any node that is up: undefined when the connection was lost before its answer came. */
  async #call<T>(work: (running: Running) => Promise<T>): Promise<T | undefined> {
    const world = this.#world;
    await world.sleep(world.between(1, 20));
    const up = this.#nodes.filter((node) => node?.process.alive === true);
    const running = up[Math.floor(world.random() * up.length)];
    if (running === undefined) return undefined;
    const { process } = running;
    const answer = await new Promise<T | undefined>((resolve, reject) => {
      const forget = process.onDeath(() => resolve(undefined));
      process.after(0, () => {
        work(running)
          .then(resolve, reject)
          .finally(() => forget());
      });
    });
    await world.sleep(world.between(1, 20));
    return answer;
  }

  async #buy(wish: Wish, copy: number): Promise<void> {
    const world = this.#world;
    const idempotencyKey = `key-${wish.key}`;
    await world.sleep(wish.at);
    let { retries } = wish;
    let quoteId: string | undefined;
    for (let tries = 0; tries < 40; tries += 1) {
      if (tries > 0) await world.sleep(world.between(200, 1_500));
      if (wish.quoted && quoteId === undefined) {
        const quote = await this.#call(({ purchasing }) =>
          purchasing.purchases.validate(inputOf(wish, this.#script.surface)),
        );
        if (quote === undefined) continue;
        if (isProblem(quote)) {
          if (quote.retryable) continue;
          return;
        }
        quoteId = quote.id;
      }
      const from = quoteId === undefined ? { details: inputOf(wish, this.#script.surface) } : { quoteId };
      const known = await this.#call(({ purchasing }) =>
        purchasing.purchases.confirm({ idempotencyKey, from, waitMs: wish.waitMs }),
      );
      if (known === undefined) continue;
      if (isProblem(known)) {
        world.note(`client ${wish.key}.${copy} is told ${known.code}`);
        if (known.retryable) continue;
        return;
      }
      this.#acknowledge(known);
      if (known.status === 'SUCCEEDED') return;
      if (!canRetry(known) || retries === 0) {
        if (isSettled(known.status)) return;
        continue;
      }
      retries -= 1;
      const { id } = known;
      const again = await this.#call(({ purchasing }) => purchasing.purchases.retry({ id, waitMs: 5_000 }));
      if (again !== undefined && !isProblem(again)) this.#acknowledge(again);
    }
  }

  #acknowledge({ id, idempotencyKey, status, tokens }: Purchase): void {
    this.#world.note(`a client is told that ${idempotencyKey} is ${status}`);
    const digits = tokens.map((token) => token.digits);
    this.#acknowledged.push({ idempotencyKey, purchaseId: id, status, tokens: digits });
  }

  /** A subscriber that resumes by its cursor, on whichever node is up. */
  async #read(seen: SeenEvent[]): Promise<void> {
    const world = this.#world;
    while (!this.#ended) {
      await world.sleep(world.between(1, 300));
      const up = this.#nodes.filter((node) => node?.process.alive === true);
      const running = up[Math.floor(world.random() * up.length)];
      if (running === undefined) continue;
      const events = running.purchasing.feed.follow({ after: seen.at(-1)?.position ?? 0 });
      const died = new Promise<undefined>((resolve) => running.process.onDeath(() => resolve(undefined)));
      for (;;) {
        const next = await Promise.race([events.next(), died]);
        if (next === undefined || next.done === true) break;
        const { position, purchase } = next.value;
        seen.push({ position, purchaseId: purchase.id, status: purchase.status });
      }
    }
  }

  /** The person who looks: retries what needs attention, and closes the shop once all is known. */
  async #attend(): Promise<void> {
    const world = this.#world;
    for (;;) {
      await world.sleep(1_000);
      const purchases = await this.#record.page({ limit: 100, inverted: false });
      const stuck = purchases.find(({ status }) => status === 'NEEDS_ATTENTION');
      if (stuck !== undefined) {
        await this.#call(({ purchasing }) =>
          purchasing.purchases.retry({ id: stuck.id, waitMs: 5_000 }).catch(() => undefined),
        );
        continue;
      }
      const position = await this.#record.lastPosition();
      const caughtUp = this.#readers.every((seen) => (seen.at(-1)?.position ?? 0) === position);
      const buyers = this.#busy - this.#readers.length;
      if (buyers === 0 && caughtUp && purchases.every(({ status }) => isSettled(status))) {
        this.#ended = true;
        return;
      }
    }
  }

  /** R2, as it is sent: the intent is durable, and it is this very attempt's. */
  async #watchSend({ endpoint, body, requestId }: Exchange): Promise<void> {
    if (endpoint !== 'confirm' && endpoint !== 'retry') return;
    const reference = referenceIn(JSON.parse(body ?? 'null')) ?? '';
    const purchase = await this.#record.purchase('reference', reference);
    const attempts = await this.#record.attempts(purchase === undefined ? [] : [purchase.id]);
    const own = attempts.find((attempt) => attempt.requestId === requestId);
    if (own?.kind.toLowerCase() !== endpoint || own.outcome !== 'IN_FLIGHT')
      this.#breaches.push(`R2: a ${endpoint} of ${reference} was sent, and no attempt in flight says so`);
  }

  /** R4, as it is debited: nobody was told that it FAILED. */
  async #watchDebit(reference: string | null): Promise<void> {
    const purchase = await this.#record.purchase('reference', reference ?? '');
    if (purchase?.status === 'FAILED')
      this.#breaches.push(`R4: ${reference ?? ''} was debited while it was FAILED`);
  }

  /** R4, as it becomes FAILED: nothing was debited. */
  #watchFailures(): void {
    let after = 0;
    this.#record.onCommit(() => {
      void this.#record.events({ after, limit: 100 }).then((events) => {
        for (const { position, purchase } of events) {
          after = Math.max(after, position);
          if (purchase.status !== 'FAILED') continue;
          if (this.#upstream.ledger.some((debit) => debit.externalReference === purchase.reference))
            this.#breaches.push(`R4: ${purchase.reference} became FAILED, and was debited`);
        }
      });
    });
  }
}

function inputOf({ meter }: Wish, surface: Script['surface']): PurchaseInput {
  return {
    ...{ productType: 'ELECTRICITY', providerCode: 'BPC', accountId: 13209, subscriberIdentifier: meter },
    ...{ beneficiaryPhoneNumber: '26771436390', amount: { amount: '100.00', currency: 'BWP' } },
    ...{ chargesOnTop: true, comment: null, language: 'en-BW', sourceChannel: 'WEB', surface },
  };
}
