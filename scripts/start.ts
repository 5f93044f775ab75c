// npm start: the sandbox and a gateway on it, ready to play with. No credentials, no network.
import { startSandbox } from '../sandbox/sandbox.ts';
import { main } from '../src/server.ts';

const sandbox = await startSandbox({ processingMs: 400 });
const { clientId, clientSecret, username, password, orgCode } = sandbox.credentials;
const gateway = await main({
  ...process.env,
  SCRATCHPOWER_BASE_URL: sandbox.url,
  SCRATCHPOWER_CLIENT_ID: clientId,
  SCRATCHPOWER_CLIENT_SECRET: clientSecret,
  SCRATCHPOWER_USERNAME: username,
  SCRATCHPOWER_PASSWORD: password,
  SCRATCHPOWER_ORG_CODE: orgCode,
});

if (gateway === undefined) {
  await sandbox.close();
} else {
  console.log(`
  ScratchPower GraphQL, on the sandbox (no real money)

    GraphiQL   ${gateway.url}/graphql
    Sandbox    ${sandbox.url}

  Open GraphiQL in a browser and go through its tabs. Ctrl-C stops.
`);
  const stop = () => void gateway.close().finally(() => void sandbox.close());
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}
