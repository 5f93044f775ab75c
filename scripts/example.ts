// npm run example: the shop counter (examples/counter) with a gateway and the sandbox. No credentials, no network.
import { createLogger, createServer } from 'vite';

import { startSandboxedGateway } from './sandboxed-gateway.ts';

process.env['LOG_LEVEL'] ??= 'warn';
const started = await startSandboxedGateway();
if (started !== undefined) {
  const { sandbox, sandboxAt, gateway } = started;
  process.env['GATEWAY_URL'] = gateway.url;
  const logger = createLogger('warn');
  // A page that is closed or a gateway that restarts resets its socket: nothing to tell here.
  const tellError = logger.error.bind(logger);
  logger.error = (text, options) => {
    if (!text.includes('ws proxy')) tellError(text, options);
  };
  // Vite ends the process on SIGTERM and when its input ends; the gateway must be let conclude what is under way.
  const emitters = [process, process.stdin] as const;
  const before = emitters.flatMap((emitter) => listenersOf(emitter));
  const app = await createServer({ configFile: 'examples/counter/vite.config.js', customLogger: logger });
  for (const emitter of emitters) {
    for (const { name, listener } of listenersOf(emitter)) {
      if (!before.some((known) => known.listener === listener)) emitter.off(name, listener);
    }
  }
  await app.listen();
  console.log(`
  The shop counter, on the sandbox (no real money)

    App        ${app.resolvedUrls?.local[0] ?? ''}
    GraphiQL   ${gateway.url}/graphql
    Sandbox    ${sandboxAt}

  Open the app and buy for meter 04040404040. Ctrl-C stops.
`);
  const stop = () => {
    void app.close();
    void gateway.close().finally(() => void sandbox.close());
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

function listenersOf(emitter: NodeJS.EventEmitter) {
  return ['SIGTERM', 'end'].flatMap((name) =>
    emitter.listeners(name).map((listener) => ({ name, listener: listener as () => void })),
  );
}
