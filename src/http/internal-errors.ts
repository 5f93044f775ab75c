import type { Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';

/** The body of such an answer. */
export const INTERNAL_ERROR = JSON.stringify({
  errors: [{ message: 'Something went wrong here. It was logged.', extensions: { code: 'INTERNAL' } }],
});

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
          const headers = { 'content-type': 'application/json' };
          return new fetchAPI.Response(INTERNAL_ERROR, { status: 500, headers });
        }
      });
    },
  };
}
