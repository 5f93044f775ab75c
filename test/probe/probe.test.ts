import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

import { describe, expect, it } from 'vitest';

import { looksLikeProduction } from '../../probe/target.ts';
import type { FaultRequest, Sandbox } from '../../sandbox/sandbox.ts';
import { commandLine, freePort } from '../support/process.ts';
import { eventually, open } from '../sandbox/raw-client.ts';
import { bent } from './bent.ts';
import { environment, everything, idsOf, probe } from './run.ts';

const confirms = ({ calls }: Sandbox) => calls.filter(({ endpoint }) => endpoint === 'confirm');
const HAPPY = ['--only', 'v1.confirm.status,v1.confirm.token,v1.confirm.debit'];

/** A sandbox whose next calls meet the fault. */
async function faulty(...faults: FaultRequest[]): Promise<Sandbox> {
  const sandbox = await open();
  for (const fault of faults) sandbox.addFault(fault);
  return sandbox;
}

/** Every field there is, with the same in it. */
function deeply(value: unknown): object {
  const charges = { entry: value, net: value, total: value, charge: value, commission: value };
  const subscriber = { identifier: value, name: value, address: value };
  const transaction = { ...charges, status: value, token: value, units: value, timestamp: value };
  const error = { type: value, code: value, message: value, param: value, retryable: value };
  return {
    ...{ id: value, status: value, token: value, accounts: value, roles: value },
    subscriber,
    transaction,
    error,
  };
}

describe('on our own sandbox', () => {
  it('all that can be tried holds, and each thing that cannot says why', async () => {
    const sandbox = await open();
    const { code, findings, out } = await probe(sandbox.url, everything);
    expect(idsOf(findings, 'DIFFERS')).toEqual([]);
    expect(idsOf(findings, 'HINDERED')).toEqual([]);
    expect(idsOf(findings, 'HOLDS').length).toBeGreaterThan(120);
    const short = idsOf(findings, 'NOT_TRIED').map((id) => id.replace(/^\w+\./, ''));
    expect([...new Set(short)].sort()).toEqual([
      ...['confirm.failed', 'confirm.late-landing', 'confirm.pending', 'confirm.unit', 'error.rate-limit'],
      ...['retry.reattempts', 'session.wrong-login'],
    ]);
    expect(code).toBe(0);
    expect(out).toContain('0 differ');
  });

  it('the wire’s names are told, with those that the contract has not', async () => {
    const sandbox = await faulty({ endpoint: 'products', kind: 'extra_fields', count: null });
    const { report } = await probe(sandbox.url, ['--without-purchases']);
    const wire = report.split('## The wire')[1] ?? '';
    expect(wire).toMatch(/^- v1 products: .*`\[\]\.product_type` string/m);
    expect(wire).toMatch(/^- v1 products: .*\*\*`\[\]\.x_new_field\.added` string\*\*/m);
    expect(wire).toMatch(/^- v1 login: `access_token` string, `access_in` number/m);
    expect(wire).toMatch(/^- current errors: `response_code` string/m);
    expect(wire.match(/\*\*/g)?.length).toBe(2 + 4 * 2);
  });

  it('holds also while its sessions expire again and again', async () => {
    let ms = Date.now();
    const now = () => new Date((ms += 300));
    const sandbox = await open({ now, accessTokenSeconds: 60 });
    const { code, findings } = await probe(sandbox.url, everything, { now });
    expect(idsOf(findings, 'DIFFERS')).toEqual([]);
    expect(sandbox.calls.filter(({ endpoint }) => endpoint === 'login').length).toBeGreaterThan(6);
    expect(code).toBe(0);
  });
});

describe('money', () => {
  it('moves only after a yes, and as announced', async () => {
    const sandbox = await open();
    const no = await probe(sandbox.url, [], { answer: 'y' });
    expect([no.code, sandbox.ledger]).toEqual([2, []]);
    expect(no.asked).toContain('Type yes');
    const nobody = await probe(sandbox.url, []);
    expect([nobody.code, sandbox.ledger]).toEqual([2, []]);
    expect(nobody.err).toContain('Give --yes to buy this, or --without-purchases.');
    const yes = await probe(sandbox.url, [], { answer: ' YES' });
    expect(yes.code).toBe(0);
    const debited = sandbox.ledger.reduce((sum, { total }) => sum + Number(total), 0);
    expect(sandbox.ledger).toHaveLength(4);
    expect(yes.err).toContain(`In all: BWP ${debited.toFixed(2)}\n`);
  });

  it('is told purchase by purchase, as it is in the ledger', async () => {
    const sandbox = await open();
    const { debits, report, out } = await probe(sandbox.url, everything);
    const bought = debits.filter(({ outcome }) => outcome === 'BOUGHT');
    expect(bought.map(({ reference, total, theirs }) => [reference, total, theirs])).toEqual(
      sandbox.ledger.map(({ externalReference, total, reference }) => [externalReference, total, reference]),
    );
    for (const { reference } of debits) {
      expect(report).toContain(String(reference));
      expect(out).toContain(String(reference));
    }
  });

  it.each([
    ['once', ['--yes'], 0],
    ['twice only with --with-duplicates, on each surface', ['--yes', '--with-duplicates'], 2],
  ])('a confirm is sent %s', async (_what, argv, twice) => {
    const sandbox = await open();
    await probe(sandbox.url, argv);
    const times = new Map<string | null, number>();
    for (const { externalReference: one } of confirms(sandbox)) times.set(one, (times.get(one) ?? 0) + 1);
    expect([...times.values()].filter((count) => count > 1)).toEqual(Array<number>(twice).fill(2));
  });

  it('never moves with --without-purchases', async () => {
    const sandbox = await open();
    const { code, findings } = await probe(sandbox.url, ['--without-purchases', '--with-duplicates']);
    expect([code, confirms(sandbox), sandbox.balance(13209)]).toEqual([0, [], '1000000.00']);
    expect(idsOf(findings, 'NOT_TRIED')).toContain('v1.confirm.token');
  });

  it('moves only for what --only needs', async () => {
    const sandbox = await open();
    const free = await probe(sandbox.url, ['--only', 'retry.unknown,v1.me']);
    expect([free.code, free.findings.map(({ id }) => id)]).toEqual([
      0,
      ['v1.me.who', 'v1.me.organisation', 'v1.me.no-accounts', 'v1.retry.unknown', 'current.retry.unknown'],
    ]);
    expect(confirms(sandbox)).toEqual([]);
    await probe(sandbox.url, ['--only', 'current.confirm.key-change', '--yes']);
    expect(sandbox.ledger).toMatchObject([{ surface: 'current', subscriber: '04040404198' }]);
  });

  it('goes out of the account that --account names, and never out of one that validate refuses', async () => {
    const sandbox = await open();
    const empty = await probe(sandbox.url, ['--yes', '--account', '99', ...HAPPY]);
    expect([empty.code, confirms(sandbox)]).toEqual([2, []]);
    expect(empty.report).toContain('validate refused the purchase "happy"');
    await probe(sandbox.url, ['--yes', '--account', '13209', '--amount', '12.50', ...HAPPY]);
    expect(sandbox.ledger).toMatchObject([{ accountId: 13209, entry: '12.50' }]);
  });
});

describe('an address', () => {
  it.each([
    'https://api.scratchpower.com',
    'https://api.scratchpower.com/v1',
    'https://latest.scratchpower.com',
    'https://staging.production.example',
    'https://api.example/staging',
    'https://10.0.0.7',
  ])('that may be production is refused: %s', async (url) => {
    expect(looksLikeProduction(url)).toBe(true);
    const { code, err } = await probe(url, ['--yes']);
    expect(code).toBe(2);
    expect(err).toContain('--on-production-with-real-money');
  });

  it.each([
    'https://api.staging.scratchpower.com',
    'https://scratchpower-test.example',
    'http://localhost:4010',
    'http://127.0.0.1:4010',
    'http://[::1]:4010',
  ])('that says that it is not is taken: %s', (url) => {
    expect(looksLikeProduction(url)).toBe(false);
  });

  it('may end in /v1', async () => {
    const sandbox = await open();
    expect((await probe(`${sandbox.url}/v1/`, ['--without-purchases'])).code).toBe(0);
  });
});

describe('no secret', () => {
  it('is told anywhere, nor a token, a phone or a name', async () => {
    const sandbox = await open();
    const secrets = Object.values(environment('')).filter((one) => /secret|password/.test(one));
    expect(secrets).toHaveLength(2);
    const url = await bent(sandbox, ({ json }) => {
      for (const name of ['access_token', 'refresh_token']) if (json[name]) secrets.push(json[name]);
      // A sentence may have anything in it.
      if (json.error) json.error.message = 'Call +267 71 436 390, token 1234 5678 9012 3456 7890.';
    });
    const { report, json, out, err } = await probe(url, everything);
    for (const { tokens } of sandbox.ledger) secrets.push(...tokens);
    secrets.push('26771436390', '71436390', '71 436 390', '5678 9012', 'MOTHIBI', '50370');
    expect(secrets.length).toBeGreaterThan(20);
    for (const secret of secrets)
      for (const text of [report, json, out, err]) expect(text).not.toContain(secret);
  });
});

describe('a confirm whose answer is lost', () => {
  it.each([
    ['drop_after', {}],
    ['html_error', {}],
    ['pending', { pendingPolls: 2 }],
  ] as const)('(%s) is asked about by retry, and not sent again', async (kind, more) => {
    const sandbox = await faulty({ endpoint: 'confirm', kind, ...more });
    const { code, debits } = await probe(sandbox.url, ['--yes', ...HAPPY]);
    expect(debits).toMatchObject([{ outcome: 'BOUGHT', total: '10.25' }]);
    expect([code, confirms(sandbox).length, sandbox.ledger.length]).toEqual([0, 1, 1]);
  });

  it('and that retry does not know is told as not known', async () => {
    const sandbox = await faulty({ endpoint: 'confirm', kind: 'drop_before' });
    const { code, debits, report, out } = await probe(sandbox.url, ['--yes', ...HAPPY]);
    expect([code, confirms(sandbox).length]).toEqual([2, 1]);
    expect(debits).toMatchObject([{ outcome: 'SENT' }]);
    for (const text of [report, out]) expect(text).toContain('NOT KNOWN: look it up in the ledger');
  });
});

describe('trouble of the moment', () => {
  it('is no difference: a call that was refused for now is repeated', async () => {
    const sandbox = await faulty(
      { endpoint: 'accounts', kind: 'rate_limit', retryAfterSeconds: 0, count: 2 },
      { endpoint: 'products', kind: 'html_error', status: 503, processed: false },
    );
    expect((await probe(sandbox.url, ['--without-purchases'])).code).toBe(0);
  });

  it('that stays is told, with how long was waited', async () => {
    const sandbox = await faulty({
      endpoint: 'products',
      kind: 'delay_before',
      delayMs: 60_000,
      count: null,
    });
    const { code, findings, report } = await probe(sandbox.url, ['--without-purchases', '--surface', 'v1'], {
      env: { READ_TIMEOUT_MS: '500' },
    });
    expect(code).toBe(2);
    expect(idsOf(findings, 'HINDERED').every((id) => id.startsWith('v1.products.'))).toBe(true);
    expect(report).toContain('GET /v1/vas-products: no answer within 500 ms');
  });
});

describe('answers of another world', () => {
  it.each([
    ['null', null],
    ['a list', [null, 1, 'x', []]],
    ['a text', '"x"'],
    ['no JSON', '<html>'],
    ['nothing', ''],
    ['fields that hold something else', deeply(7)],
    ['fields that hold nothing', deeply(null)],
    ['names that are values', { '26771436390': { '12345678901234567890': 'x' } }],
  ])('(%s) are told as what they are, and the probe does not stumble', async (_what, json) => {
    const sandbox = await open();
    const url = await bent(sandbox, (exchange) => {
      if (exchange.endpoint !== 'login') exchange.json = json;
    });
    const { code, report, findings } = await probe(url, [...everything, '--account', '13209']);
    expect(code).toBe(1);
    expect(report).not.toContain('the probe itself failed');
    expect(report).not.toMatch(/26771436390|12345678901234567890/);
    expect(idsOf(findings, 'DIFFERS')).toEqual(expect.arrayContaining(['v1.me.who', 'v1.confirm.token']));
  });
});

describe('it cannot run', () => {
  it('with wrong credentials, and says so without them', async () => {
    const sandbox = await open();
    const { code, err, report } = await probe(sandbox.url, ['--yes'], {
      env: { SCRATCHPOWER_PASSWORD: 'not-this-one' },
    });
    expect([code, report, sandbox.calls.length]).toEqual([2, '', 2]);
    expect(err).toContain('HTTP 401');
    expect(err).not.toContain('not-this-one');
  });

  it('where nobody listens', async () => {
    const { code, err } = await probe(`http://127.0.0.1:${await freePort()}`, ['--yes']);
    expect(code).toBe(2);
    expect(err).toMatch(/ECONNREFUSED.*is SCRATCHPOWER_BASE_URL right\?/);
  });

  it('without its environment, and names all that is missing', async () => {
    const { code, err } = await probe('', [], { env: { SCRATCHPOWER_ORG_CODE: '' } });
    expect(code).toBe(2);
    expect(err).toMatch(/SCRATCHPOWER_BASE_URL is missing[^]*SCRATCHPOWER_ORG_CODE is missing/);
  });

  it.each([
    [['--only', 'v1.confirm.tokens'], 'there is no assumption v1.confirm.tokens'],
    [['--only', 'v1.me', '--surface', 'current'], 'v1.me on current'],
    [['--only', ','], 'Separate ids by commas'],
    [['--surface', 'v2'], 'v1, current, both'],
    [['--amount', '0'], 'above 0 and up to 500'],
    [['--amount', '1e2'], 'above 0 and up to 500'],
    [['--account', 'wallet'], 'such as 13209'],
    [['--phone', '123'], '8 to 15 digits'],
    [['--airtime', '71436390'], 'PROVIDER:NUMBER'],
    [['--twice'], 'unknown option'],
  ])('with %j', async (argv, told) => {
    const { code, err } = await probe('http://127.0.0.1:1', argv);
    expect([code, err.includes(told)], err).toEqual([2, true]);
  });

  it('when the report cannot be written, and finds that out before anything is sent', async () => {
    const sandbox = await open();
    const child = spawn(process.execPath, commandLine('probe', '--yes', '--report', '/nowhere/report.md'), {
      env: { PATH: process.env['PATH'], ...environment(sandbox.url) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [err] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect([child.exitCode, sandbox.calls]).toEqual([2, []]);
    expect(err).toContain('/nowhere/report.md cannot be written');
  });
});

describe('an interrupted run', () => {
  it('waits for the confirm under way, buys nothing more, and tells what it bought', async () => {
    const sandbox = await faulty({ endpoint: 'confirm', kind: 'delay_after', delayMs: 1_500 });
    const stop = new AbortController();
    const running = probe(sandbox.url, ['--yes'], { stop: stop.signal });
    await eventually(() => sandbox.ledger.length).toBe(1);
    stop.abort();
    const { code, debits, report, interrupted } = await running;
    expect([code, interrupted, sandbox.ledger.length]).toEqual([2, true, 1]);
    expect(debits).toMatchObject([{ outcome: 'BOUGHT', reference: sandbox.ledger[0]?.externalReference }]);
    expect(report).toContain('Interrupted.');
  });

  it('sends no confirm that it had only announced', async () => {
    const sandbox = await open();
    const stop = new AbortController();
    const { code, debits } = await probe(sandbox.url, ['--yes'], {
      stop: stop.signal,
      hear: (line) => {
        if (line.startsWith('Confirming')) stop.abort();
      },
    });
    expect([code, confirms(sandbox)]).toEqual([2, []]);
    expect(debits).toMatchObject([{ outcome: 'NOT_SENT' }]);
  });

  it('is so as a process that gets the SIGINT of one Ctrl-C twice', async () => {
    const sandbox = await faulty({ endpoint: 'confirm', kind: 'delay_after', delayMs: 1_500 });
    const child = spawn(process.execPath, commandLine('probe', '--yes'), {
      env: { PATH: process.env['PATH'], ...environment(sandbox.url) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    await eventually(() => sandbox.ledger.length).toBe(1);
    // As npm does it: the terminal's own, and the one that it hands on.
    child.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGINT');
    const [out, err] = await said;
    expect([child.exitCode, confirms(sandbox).length]).toEqual([2, 1]);
    expect(err).toContain('the confirm under way is waited for');
    expect(out).toMatch(new RegExp(`${sandbox.ledger[0]?.externalReference ?? '-'} .* bought`));
  });
});
