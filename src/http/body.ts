import type { IncomingMessage } from 'node:http';

/**
 * Reads a body of at most so many bytes; `TOO_LARGE` as soon as it is longer, and `GONE` when the client breaks off. Reads
 * it whole: Yoga's own limit sends every body through a stream, which costs half the throughput.
 */
export function readBody(request: IncomingMessage, most: number): Promise<Buffer | 'TOO_LARGE' | 'GONE'> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > most) return Promise.resolve('TOO_LARGE');
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > most) {
        request.removeAllListeners('data').pause();
        resolve('TOO_LARGE');
      } else chunks.push(chunk);
    });
    request.on('end', () => {
      const [first] = chunks;
      resolve(first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks, length));
    });
    request.on('error', () => resolve('GONE'));
    request.on('close', () => resolve('GONE'));
  });
}

/** As frameworks do whose body parsers went before; an empty one must not make Yoga wait for the stream. */
export function leaveForYoga(request: IncomingMessage, body: Buffer): void {
  Object.assign(request, { body: body.length === 0 ? ' ' : body });
}
