import { GraphQLError } from 'graphql';
import { isAsyncIterable, type FetchAPI, type Plugin } from 'graphql-yoga';

import { isAnswerable, LONGEST_ACCEPT } from './accepted-json.ts';

const ASK_FOR_JSON = 'Ask for JSON, with "accept: application/json".';

/** The content types that a page of any site may send without being asked first, and none at all. */
const SIMPLE = /^\s*($|application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)/i;

/**
 * Refuses bodies that are no JSON: a foreign page can send a form, but JSON only after a CORS preflight. What is packed
 * is not unpacked, nor read as if it were not, which whoever looks at it on the way may have done.
 */
export function jsonOnly(): Plugin {
  return {
    onRequest: (event) => {
      const { request, fetchAPI } = event;
      const refuse = (status: number, message: string) =>
        event.endResponse(refusal(fetchAPI, status, message));
      const header = (name: string) => request.headers.get(name) ?? '';
      if (header('accept').length > LONGEST_ACCEPT) {
        refuse(406, 'Ask for fewer types, such as "accept: application/json".');
      } else if (request.method === 'POST' && !isAnswerable(header('accept'))) {
        // Before anything is done whose answer nobody would have.
        refuse(406, `${ASK_FOR_JSON} A subscription has its events with "accept: text/event-stream".`);
      } else if (request.method === 'POST' && SIMPLE.test(header('content-type'))) {
        refuse(415, 'Send the operation as JSON, with "content-type: application/json".');
      } else if (!/^\s*(identity)?\s*$/i.test(header('content-encoding'))) {
        refuse(415, 'Send the operation as it is, without a content-encoding.');
      }
    },
    // Yoga has no words for it.
    onResultProcess: (event) => {
      if (event.resultProcessor !== undefined) return;
      const remedy = isAsyncIterable(event.result)
        ? 'A subscription is answered by events. Ask for them with "accept: text/event-stream", or over WebSocket.'
        : ASK_FOR_JSON;
      event.setResultProcessor((_result, resultAPI) => refusal(resultAPI, 406, remedy), 'application/json');
    },
    // Yoga reads the parameters of a link with JSON.parse alone, whose error would pass for one of ours.
    onRequestParse: ({ requestParser, setRequestParser }) => {
      if (requestParser === undefined) return;
      setRequestParser(async (request) => {
        try {
          return await requestParser(request);
        } catch (error) {
          if (!(error instanceof SyntaxError)) throw error;
          throw new GraphQLError('The variables or the extensions are no JSON.', {
            extensions: { code: 'BAD_REQUEST', http: { status: 400 } },
          });
        }
      });
    },
  };
}

function refusal(fetchAPI: FetchAPI, status: number, message: string): Response {
  const body = JSON.stringify({ errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] });
  return new fetchAPI.Response(body, { status, headers: { 'content-type': 'application/json' } });
}
