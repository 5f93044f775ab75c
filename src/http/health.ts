import type { ServerResponse } from 'node:http';

import type { Runtime } from '../purchases/runtime.ts';

/** A check of readiness: resolves when it passes, throws when not. */
export type ReadinessCheck = () => Promise<void>;

/** How long a check may take before it counts as failed. */
const CHECK_TIMEOUT_MS = 5_000;
/** For how long what was found is told again: anybody may ask, and each look costs the record and ScratchPower something. */
const FRESH_MS = 1_000;

interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, 'ok' | 'failed'>>;
}

/** Liveness: the process answers. Readiness: every check passes and no shutdown has begun; looked at once for all who ask. */
export class Health {
  readonly #checks: Readonly<Record<string, ReadinessCheck>>;
  readonly #runtime: Pick<Runtime, 'monotonic'>;
  #looking: Promise<Readiness> | undefined;
  #found: { readonly at: number; readonly readiness: Readiness } | undefined;
  #shuttingDown = false;

  constructor(
    checks: Readonly<Record<string, ReadinessCheck>>,
    { runtime }: { readonly runtime: Pick<Runtime, 'monotonic'> },
  ) {
    this.#checks = checks;
    this.#runtime = runtime;
  }

  shutDown(): void {
    this.#shuttingDown = true;
  }

  live(response: ServerResponse): void {
    send(response, 200, { status: 'live' });
  }

  async ready(response: ServerResponse): Promise<void> {
    if (this.#shuttingDown) {
      send(response, 503, { status: 'shutting down' });
      return;
    }
    const { ready, checks } = this.#fresh ?? (await (this.#looking ??= this.#look()));
    send(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', checks });
  }

  get #fresh(): Readiness | undefined {
    const found = this.#found;
    return found !== undefined && this.#runtime.monotonic() - found.at < FRESH_MS
      ? found.readiness
      : undefined;
  }

  async #look(): Promise<Readiness> {
    const entries = await Promise.all(
      Object.entries(this.#checks).map(async ([name, check]) => [name, await passes(check)] as const),
    );
    const readiness: Readiness = {
      ready: entries.every(([, passed]) => passed),
      checks: Object.fromEntries(entries.map(([name, passed]) => [name, passed ? 'ok' : 'failed'])),
    };
    this.#found = { at: this.#runtime.monotonic(), readiness };
    this.#looking = undefined;
    return readiness;
  }
}

async function passes(check: ReadinessCheck): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, CHECK_TIMEOUT_MS, false);
  });
  const passed = check().then(
    () => true,
    () => false,
  );
  return Promise.race([passed, tooLong]).finally(() => clearTimeout(timer));
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
