import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';

/** The codings that there are, though none is welcome: a proxy may compress all the same. */
const decoders = new Map([
  ['gzip', gunzipSync],
  ['x-gzip', gunzipSync],
  ['deflate', inflateSync],
  ['br', brotliDecompressSync],
]);
/** Of one whose bytes are no text that we know: nothing of it is lost, and it is no JSON (R3, R4). */
const AS_BYTES = 'base64:';

/**
 * What the bytes of an answer's body say, decoded as its content-encoding tells. Where they are no UTF-8, or cannot be
 * decoded, or would be longer than `maxBytes`: the bytes as they came, as `base64:…`. Of one that is not `complete` the
 * last character may be half, and is left out.
 */
export function bodyText(
  bytes: Buffer,
  coding: string | string[] | undefined,
  { complete, maxBytes }: { complete: boolean; maxBytes: number },
): string {
  try {
    const decoded = decode(bytes, String(coding ?? ''), maxBytes);
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return decoder.decode(decoded, { stream: !complete });
  } catch {
    return AS_BYTES + bytes.toString('base64');
  }
}

function decode(bytes: Buffer, coding: string, maxBytes: number): Buffer {
  const name = coding.trim().toLowerCase();
  if (bytes.length === 0 || name === '' || name === 'identity') return bytes;
  const decoder = decoders.get(name);
  if (decoder === undefined) throw new Error('a coding that nobody knows');
  return decoder(bytes, { maxOutputLength: maxBytes });
}
