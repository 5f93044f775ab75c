import { writeFile } from 'node:fs/promises';

import { describe, expect, it } from 'vitest';

import { startSandbox } from '../../sandbox/sandbox.ts';
import { startGatewayProcess } from '../support/process.ts';
import {
  confirm,
  electricity,
  environment,
  eventually,
  graphqlCaller,
  isSettled,
  temporaryFolder,
  until,
} from '../support/stack.ts';

describe('the real process', () => {
  it.each(['v1', 'current'] as const)(
    'killed between the send and the answer on %s, it finds out after a restart: one debit, the token there',
    async (surface) => {
      await using folder = await temporaryFolder();
      await using sandbox = await startSandbox({ processingMs: 300 });
      const env = environment(sandbox, `${folder.path}/gateway.db`, { surface });
      const first = await startGatewayProcess(env);
      const details = await electricity(graphqlCaller(first.url));
      const buying = confirm(graphqlCaller(first.url), { idempotencyKey: 'k', from: { details } }).catch(
        () => undefined,
      );
      await until(() => sandbox.calls.some(({ endpoint }) => endpoint === 'confirm'), 'the confirm');
      await first.kill('SIGKILL');
      await buying;

      await using second = await startGatewayProcess(env);
      const end = await eventually(graphqlCaller(second.url), { idempotencyKey: 'k' }, isSettled);
      expect(end).toMatchObject({ status: 'SUCCEEDED' });
      expect(end['tokens']).toHaveLength(1);
      expect(sandbox.ledger).toHaveLength(1);
      expect(sandbox.calls.filter(({ endpoint }) => endpoint === 'confirm')).toHaveLength(1);
      const again = await confirm(graphqlCaller(second.url), { idempotencyKey: 'k', from: { details } });
      expect(again['id']).toBe(end['id']);
    },
  );

  it('stops on SIGTERM with exit code 0', async () => {
    await using folder = await temporaryFolder();
    await using sandbox = await startSandbox();
    const gateway = await startGatewayProcess(environment(sandbox, `${folder.path}/gateway.db`));
    expect(await gateway.kill('SIGTERM')).toBe(0);
  });

  it('names every fault of the configuration and exits 1 before it listens', async () => {
    const failed = startGatewayProcess({ PORT: 'x', HOST: '0.0.0.0' });
    await expect(failed).rejects.toThrow(/exit 1/);
    await expect(failed).rejects.toThrow(/PORT[^]*SCRATCHPOWER_BASE_URL[^]*SCRATCHPOWER_CLIENT_ID[^]*HOST/);
  });

  it('says which file cannot be written', async () => {
    await using folder = await temporaryFolder();
    await using sandbox = await startSandbox();
    await writeFile(`${folder.path}/file`, 'where a folder should be');
    const failed = startGatewayProcess(environment(sandbox, `${folder.path}/file/gateway.db`));
    await expect(failed).rejects.toThrow(/exit 1[^]*file\/gateway\.db/);
  });
});
