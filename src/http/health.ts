import type { ServerResponse } from 'node:http';

/** A check of readiness: resolves when it passes, throws when not. */
export type ReadinessCheck = () => Promise<void>;

/** How long a check may take before it counts as failed. */
const CHECK_TIMEOUT_MS = 5_000;

/** Liveness: the process answers. Readiness: every check passes and no shutdown has begun. */
export class Health {
  readonly #checks: Readonly<Record<string, ReadinessCheck>>;
  #shuttingDown = false;

  constructor(checks: Readonly<Record<string, ReadinessCheck>>) {
    this.#checks = checks;
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
    const entries = await Promise.all(
      Object.entries(this.#checks).map(async ([name, check]) => [name, await passes(check)] as const),
    );
    const ready = entries.every(([, passed]) => passed);
    const checks = Object.fromEntries(entries.map(([name, passed]) => [name, passed ? 'ok' : 'failed']));
    send(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', checks });
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
