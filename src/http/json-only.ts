import type { Plugin } from 'graphql-yoga';

/** The content types that a page of any site may send without being asked first, and none at all. */
const SIMPLE = /^\s*($|application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)/i;

/** Refuses bodies that are no JSON: a foreign page can send a form, but JSON only after a CORS preflight. */
export function jsonOnly(): Plugin {
  return {
    onRequest: (event) => {
      const { request, fetchAPI } = event;
      if (request.method !== 'POST' || !SIMPLE.test(request.headers.get('content-type') ?? '')) return;
      const message = 'Send the operation as JSON, with "content-type: application/json".';
      const body = JSON.stringify({ errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] });
      event.endResponse(
        new fetchAPI.Response(body, { status: 415, headers: { 'content-type': 'application/json' } }),
      );
    },
  };
}
