import { codeOf, listeningFault } from '../sandbox/listening.ts';
import { startSandbox, type Sandbox, type SandboxOptions } from '../sandbox/sandbox.ts';
import type { Gateway } from '../src/gateway.ts';
import { main } from '../src/server.ts';

/** That of `npm run sandbox`, which the docs' commands ask. */
const USUAL_PORT = 4010;

interface Started {
  readonly sandbox: Sandbox;
  /** Its address, and why it is not the one in the docs. */
  readonly sandboxAt: string;
  readonly gateway: Gateway;
}

/** A sandbox and a gateway on it: no credentials, no network. Undefined when one could not start; it said why. */
export async function startSandboxedGateway(): Promise<Started | undefined> {
  const sandbox = await startSomewhere({ processingMs: 400 });
  if (sandbox === undefined) return undefined;
  const { clientId, clientSecret, username, password, orgCode } = sandbox.credentials;
  const gateway = await main({
    LOG_FORMAT: process.stdout.isTTY ? 'pretty' : 'json',
    ...process.env,
    SCRATCHPOWER_BASE_URL: sandbox.url,
    SCRATCHPOWER_CLIENT_ID: clientId,
    SCRATCHPOWER_CLIENT_SECRET: clientSecret,
    SCRATCHPOWER_USERNAME: username,
    SCRATCHPOWER_PASSWORD: password,
    SCRATCHPOWER_ORG_CODE: orgCode,
  });
  if (gateway !== undefined) return { sandbox, sandboxAt: told(sandbox), gateway };
  await sandbox.close();
  return undefined;
}

/** At SANDBOX_PORT, else where the docs say, else anywhere: another gateway on a sandbox may be running. */
async function startSomewhere(options: SandboxOptions): Promise<Sandbox | undefined> {
  const chosen = process.env['SANDBOX_PORT'];
  const port = chosen === undefined ? USUAL_PORT : portOf(chosen);
  if (port === undefined) {
    console.error('SANDBOX_PORT must be a whole number from 0 to 65535');
    process.exitCode = 1;
    return undefined;
  }
  try {
    return await startSandbox({ ...options, port });
  } catch (error) {
    if (chosen === undefined && codeOf(error) === 'EADDRINUSE') return startSandbox(options);
    console.error(listeningFault(error, { host: '127.0.0.1', port, setting: 'SANDBOX_PORT' }));
    process.exitCode = 1;
    return undefined;
  }
}

function portOf(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}

function told({ url }: Sandbox): string {
  const moved = process.env['SANDBOX_PORT'] === undefined && new URL(url).port !== String(USUAL_PORT);
  return moved ? `${url} (${USUAL_PORT} is taken; SANDBOX_PORT chooses another)` : url;
}
