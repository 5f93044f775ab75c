import type { IncomingMessage } from 'node:http';

export interface Body {
  readonly text: string;
  /** Undefined when it is no JSON. */
  readonly json: unknown;
  readonly tooLarge: boolean;
}

const MAX_BODY_BYTES = 100_000;

/** Reads the whole body, of which at most 100 kB are kept. */
export async function readBody(request: IncomingMessage): Promise<Body> {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (length === undefined && encoding === undefined) {
    // Most calls have none, and to wait for its end takes longer than to answer them.
    request.resume();
    return { text: '', json: undefined, tooLarge: false };
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.length;
    if (size <= MAX_BODY_BYTES) chunks.push(bytes);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  return { text, json: parse(text), tooLarge: size > MAX_BODY_BYTES };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
