import { startSandbox, type Sandbox, type SandboxOptions } from '../sandbox/sandbox.ts';
import type { Gateway } from '../src/gateway.ts';
import { main } from '../src/server.ts';

/** A sandbox and a gateway on it: no credentials, no network. Undefined when the gateway could not start; it said why. */
export async function startSandboxedGateway(
  options: SandboxOptions = {},
): Promise<{ sandbox: Sandbox; gateway: Gateway } | undefined> {
  const sandbox = await startSandbox({ processingMs: 400, ...options });
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
  if (gateway !== undefined) return { sandbox, gateway };
  await sandbox.close();
  return undefined;
}
