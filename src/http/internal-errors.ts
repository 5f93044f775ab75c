import type { Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';

/** What nobody else has caught is logged, and the client is told that it happened: the server's own answer shows the stack. */
export function internalErrors(log: Logger): Plugin {
  return {
    onRequest: (event) => {
      const { requestHandler, fetchAPI } = event;
      event.setRequestHandler(async (request, context) => {
        try {
          return await requestHandler(request, context);
        } catch (error) {
          log.error({ err: error }, 'a request failed unexpectedly');
          const body = JSON.stringify({
            errors: [
              { message: 'Something went wrong here. It was logged.', extensions: { code: 'INTERNAL' } },
            ],
          });
          const headers = { 'content-type': 'application/json' };
          return new fetchAPI.Response(body, { status: 500, headers });
        }
      });
    },
  };
}
