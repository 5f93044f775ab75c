import { format, resolveConfig } from 'prettier';
import { afterAll, describe, expect, it } from 'vitest';

import type { FaultRequest } from '../../sandbox/sandbox.ts';
import { eventually, isSettled, validate } from '../support/stack.ts';
import { attack, buy, onTheHappyMeter, type AttackOptions } from './harness.ts';

type Fault = Omit<FaultRequest, 'endpoint'>;

/** Every fault of the sandbox, and every kind of answer. The deadline of a call is 3 s here. */
const faults: Record<string, Fault> = {
  'slow, but in time': { kind: 'delay_before', delayMs: 100 },
  'answer after the deadline': { kind: 'delay_after', delayMs: 4_000 },
  'connection dropped before processing': { kind: 'drop_before' },
  'answer lost after processing': { kind: 'drop_after' },
  'processed long after the connection was dropped': { kind: 'late_landing', delayMs: 400 },
  '500 in HTML, not processed': { kind: 'html_error', status: 500, processed: false },
  '502 in HTML, processed': { kind: 'html_error', status: 502 },
  '503 in HTML, processed': { kind: 'html_error', status: 503 },
  '200 with garbage': { kind: 'garbage' },
  '200, cut off': { kind: 'cut_off' },
  '200, empty': { kind: 'empty' },
  '200 of 3 MB': { kind: 'huge' },
  '200, a byte at a time': { kind: 'trickle', delayMs: 20 },
  '200 with unknown fields': { kind: 'extra_fields' },
  '200 without optional fields': { kind: 'missing_optional' },
  '401 once': { kind: 'unauthorized' },
  '401 twice': { kind: 'unauthorized', count: 2 },
  '429 with Retry-After': { kind: 'rate_limit', retryAfterSeconds: 1 },
  PENDING: { kind: 'pending', pendingPolls: 1 },
  'PENDING, then FAILED': { kind: 'pending', pendingPolls: 0, becomes: 'FAILED' },
  FAILED: { kind: 'failed' },
  'refusal (400)': { kind: 'error', status: 400, type: 'validation_error', code: '120' },
  'conflict (409)': { kind: 'error', status: 409, type: 'conflict_error', code: '999' },
  'the provider’s refusal (422)': { kind: 'error', status: 422, type: 'provider_error', code: '810' },
  'error (500)': { kind: 'error', status: 500, type: 'api_error', code: '100' },
  'refused outright (503)': { kind: 'error', status: 503, type: 'api_error', code: '999', retryable: true },
};
const phases = ['login', 'refresh', 'validate', 'confirm', 'retry'] as const;
const surfaces = ['v1', 'current'] as const;

const env = {
  CONFIRM_TIMEOUT_MS: '3000',
  READ_TIMEOUT_MS: '3000',
  LATE_LANDING_MS: '1000',
  CIRCUIT_OPEN_MS: '50',
};
const AT_ONCE = 12;

/** One purchase with the fault in that phase; what the client and the record saw of it. */
async function strike(phase: (typeof phases)[number], fault: Fault, surface: AttackOptions['surface']) {
  const sandbox = phase === 'refresh' ? { accessTokenSeconds: 1 } : {};
  const { result, history, breaches } = await attack({ surface, sandbox, env }, async (target) => {
    const { graphql, seen } = target;
    const aim = (endpoint: (typeof phases)[number]) => target.sandbox.addFault({ ...fault, endpoint });
    let from: object | undefined;
    const problems: string[] = [];
    if (phase === 'login') aim('login');
    if (phase === 'refresh') {
      await graphql('{ viewer { username } }');
      aim('refresh');
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    if (phase === 'validate') {
      aim('validate');
      const offered = await validate(graphql, onTheHappyMeter);
      if (offered['__typename'] === 'Problem') problems.push(offered['code']);
      else from = { quoteId: offered['id'] };
    }
    if (phase === 'confirm') aim('confirm');
    if (phase === 'retry') {
      target.sandbox.addFault({ endpoint: 'confirm', kind: 'drop_after' });
      aim('retry');
    }
    if (phase === 'login') {
      // What a page reads first meets the fault; what it reads then has a session.
      const { errors } = await graphql('{ viewer { username } }');
      problems.push(...(errors ?? []).map(({ extensions }) => String(extensions?.['problemCode'])));
    }
    const bought = await buy(graphql, seen, 'key', from);
    const end = await eventually(graphql, { idempotencyKey: 'key' }, isSettled);
    return { problems: [...problems, ...bought.problems], end };
  });
  expect(breaches, `${phase}, ${surface}, ${JSON.stringify(fault)}`).toEqual([]);
  const statuses = history.events.slice(1).map(({ purchase }) => purchase.status);
  const debits = history.ledger.length;
  // How often one is told depends on the moment.
  const problems = [...new Set(result.problems)].map((code) => `\`${code}\``);
  return `${[...problems, ...statuses].join(' → ')}, ${debits === 1 ? 'charged once' : 'not charged'}`;
}

const cells = new Map<string, string>();
const cell = (name: string, phase: string, surface: string) => cells.get(`${name} ${phase} ${surface}`) ?? '';

describe.each(surfaces)('on %s', (surface) => {
  it.each(phases)('every fault of the %s breaks no promise', { timeout: 240_000 }, async (phase) => {
    const waiting = Object.entries(faults);
    const worker = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [name, fault] = next;
        cells.set(`${name} ${phase} ${surface}`, await strike(phase, fault, surface));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    for (const name of Object.keys(faults)) expect(cell(name, phase, surface)).not.toBe('');
  });
});

describe('the matrix', () => {
  it('is the one in the docs', async () => {
    const table = phases.flatMap((phase) => [
      `## In the ${phase}`,
      '',
      `| fault | ${surfaces.join(' | ')} |`,
      '| --- | --- | --- |',
      ...Object.keys(faults).map(
        (name) => `| ${name} | ${surfaces.map((surface) => cell(name, phase, surface)).join(' | ')} |`,
      ),
      '',
    ]);
    const page = `# Every fault, in every phase, on both surfaces

What one purchase on a good meter met with each fault of [the sandbox](sandbox.md) in each phase, and how it ended. Codes are
problems that the client was given on the way; then come the statuses that the purchase went through. Written by
\`test/attack/matrix.test.ts\` (\`npm test -- -u\` after a wanted change); in no cell was a promise broken.

${table.join('\n')}`;
    const options = await resolveConfig('docs/faults.md');
    await expect(await format(page, { ...options, parser: 'markdown' })).toMatchFileSnapshot(
      '../../docs/faults.md',
    );
  });
  afterAll(() => cells.clear());
});
