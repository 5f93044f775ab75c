// npm start: the sandbox and a gateway on it, ready to play with. No credentials, no network.
import { startSandboxedGateway } from './sandboxed-gateway.ts';

const started = await startSandboxedGateway();
if (started !== undefined) {
  const { sandbox, sandboxAt, gateway } = started;
  console.log(`
  ScratchPower GraphQL, on the sandbox (no real money)

    GraphiQL   ${gateway.url}/graphql
    Sandbox    ${sandboxAt}

  Open GraphiQL in a browser and go through its tabs. Ctrl-C stops.
`);
  const stop = () => void gateway.close().finally(() => void sandbox.close());
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}
