import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { expect, it } from 'vitest';

/** What a process of its own writes for one line of log. */
async function logged(format: 'json' | 'pretty'): Promise<string> {
  const program = `import { createLog } from './src/telemetry/log.ts';
    const log = await createLog('info', '${format}');
    log.info({ caller: 'shop', token: '12345678901234567890' }, 'bought');`;
  const node = ['--import', 'tsx', '--input-type=module', '--eval', program];
  return (await promisify(execFile)(process.execPath, node)).stdout;
}

it('a log for machines is JSON, and one for people is not; neither tells a token', async () => {
  const [json, pretty] = await Promise.all([logged('json'), logged('pretty')]);
  expect(JSON.parse(json)).toMatchObject({
    level: 'info',
    caller: 'shop',
    token: '[redacted]',
    msg: 'bought',
  });
  expect(pretty).toMatch(/^\[\d\d:\d\d:\d\d\.\d+\] INFO <shop>: bought\n {4}token: "\[redacted\]"/);
});
