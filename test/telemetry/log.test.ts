import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { expect, it } from 'vitest';

const LINE = `log.info({ caller: 'shop', token: '12345678901234567890' }, 'bought');`;

/** What a process of its own writes that does this with a log. */
async function logged(format: 'json' | 'pretty', does: string): Promise<string> {
  const program = `import { createLog } from './src/telemetry/log.ts';
    const log = await createLog('info', '${format}');
    ${does}`;
  const node = ['--import', 'tsx', '--input-type=module', '--eval', program];
  return (await promisify(execFile)(process.execPath, node)).stdout;
}

it('a log for machines is JSON, and one for people is not; neither tells a token', async () => {
  const [json, pretty] = await Promise.all([logged('json', LINE), logged('pretty', LINE)]);
  expect(JSON.parse(json)).toMatchObject({
    level: 'info',
    caller: 'shop',
    token: '[redacted]',
    msg: 'bought',
  });
  expect(pretty).toMatch(/^\[\d\d:\d\d:\d\d\.\d+\] INFO <shop>: bought\n {4}token: "\[redacted\]"/);
});

const messagesIn = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { msg: string }).msg);

it('lines that come together are all written, in their order, before the process exits', async () => {
  const many = Array.from({ length: 300 }, (_, n) => `line ${n}`);
  const text = await logged(
    'json',
    `for (let n = 0; n < 300; n += 1) log.info('line ' + n);
     process.exit(0);`,
  );
  expect(messagesIn(text)).toEqual(many);
});

it('and without waiting for more of them, or for the end', async () => {
  // Gone without a word, as by a power cut: what was not written by then is lost.
  const text = await logged(
    'json',
    `const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
     log.info('first');
     log.info('second');
     await sleep(300);
     log.info('after a while');
     await sleep(300);
     process.kill(process.pid, 'SIGKILL');`,
  ).catch((error: unknown) => (error as { stdout: string }).stdout);
  expect(messagesIn(text)).toEqual(['first', 'second', 'after a while']);
});
