import { describe, expect, it } from 'vitest';

import { problem } from '../../src/purchases/problem.ts';
import { sessionLog } from '../../src/telemetry/session-log.ts';
import { startStack } from '../support/stack.ts';

describe('what the log tells of sessions', () => {
  const refused = problem({ type: 'AUTHENTICATION', code: 'invalid_client', message: 'no', requestId: 'r' });
  const away = problem({ type: 'UNAVAILABLE', code: 'upstream_timeout', message: 'no', retryable: true });

  function listened() {
    const told: string[] = [];
    const tell =
      (level: string) =>
      (about: object, message = '') =>
        void told.push(`${level} ${JSON.stringify(about)} ${message}`);
    const log = sessionLog({ info: tell('info'), warn: tell('warn'), error: tell('error') });
    return { told, log };
  }

  it('is why there is none, once for each reason and surface, and that there is one again', () => {
    const { told, log } = listened();
    log('V1', 'login', undefined);
    log('V1', 'refresh', away);
    expect(told).toEqual([]);
    for (let n = 0; n < 3; n += 1) log('V1', 'login', away);
    log('V1', 'login', refused);
    log('V1', 'login', refused);
    log('CURRENT', 'login', refused);
    log('V1', 'login', undefined);
    log('V1', 'refresh', undefined);
    log('V1', 'login', refused);
    expect(told).toEqual([
      expect.stringMatching(
        /^warn \{"surface":"V1","code":"upstream_timeout",.*the login failed; trying again$/,
      ),
      expect.stringMatching(/^error \{"surface":"V1","code":"invalid_client","upstreamRequestId":"r"\}/),
      expect.stringMatching(/^error \{"surface":"CURRENT"/),
      'info {"surface":"V1"} there is a session at ScratchPower again',
      expect.stringMatching(/^error \{"surface":"V1"/),
    ]);
  });

  it('is what to correct, where the credentials are refused, and none of them', async () => {
    await using stack = await startStack({ env: { SCRATCHPOWER_PASSWORD: 'mistyped' } });
    for (let n = 0; n < 2; n += 1) await stack.graphql('{ viewer { username } }');
    const lines = stack
      .logged()
      .split('\n')
      .filter((line) => line.includes('"level":50'));
    expect(lines).toEqual([
      expect.stringMatching(
        /"surface":"V1".*refuses the credentials: correct SCRATCHPOWER_CLIENT_ID.*start again/,
      ),
    ]);
    expect(stack.logged()).not.toContain('mistyped');
  });
});
