import { z } from 'zod';

import { listeningFault } from './listening.ts';
import { testSubscribers } from './meters.ts';
import { startSandbox } from './sandbox.ts';

const wholeNumber = (fallback: number, min: number, max: number) => {
  const told = `must be a whole number from ${min} to ${max}`;
  return z.coerce.number({ error: told }).int(told).min(min, told).max(max, told).default(fallback);
};
const environment = z.object({
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: wholeNumber(4010, 0, 65_535),
  ACCESS_TOKEN_SECONDS: wholeNumber(3600, 1, 86_400),
  PROCESSING_MS: wholeNumber(400, 0, 60_000),
});

const parsed = environment.safeParse(process.env);
if (!parsed.success) {
  for (const { path, message } of parsed.error.issues) console.error(`${path.join('.')} ${message}`);
  process.exitCode = 1;
} else {
  const {
    HOST: host,
    PORT: port,
    ACCESS_TOKEN_SECONDS: accessTokenSeconds,
    PROCESSING_MS: processingMs,
  } = parsed.data;
  try {
    const sandbox = await startSandbox({ host, port, accessTokenSeconds, processingMs });
    const stop = () => void sandbox.close();
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
    const { clientId, clientSecret, username, password, orgCode } = sandbox.credentials;
    console.log(`ScratchPower's sandbox listens on ${sandbox.url} (v1: ${sandbox.url}/v1)

For the gateway's environment:
  SCRATCHPOWER_BASE_URL=${sandbox.url}
  SCRATCHPOWER_CLIENT_ID=${clientId}
  SCRATCHPOWER_CLIENT_SECRET=${clientSecret}
  SCRATCHPOWER_USERNAME=${username}
  SCRATCHPOWER_PASSWORD=${password}
  SCRATCHPOWER_ORG_CODE=${orgCode}

Test numbers:
${testSubscribers.map(({ productType, identifier, what }) => `  ${productType.padEnd(11)} ${identifier.padEnd(13)} ${what}`).join('\n')}

Faults, ledger and calls: docs/sandbox.md`);
  } catch (error) {
    console.error(listeningFault(error, { host, port, setting: 'PORT' }));
    process.exitCode = 1;
  }
}
