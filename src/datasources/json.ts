/** What some servers begin a text with; to JSON.parse it is a fault. */
const BYTE_ORDER_MARK = '\uFEFF';

/** The value that the text is the JSON of, a byte order mark before it or not; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text) as unknown;
  } catch {
    return undefined;
  }
}

/** JSON text of a flat body, in which `numbers` stand digit for digit: a float on the way could lose some. */
export function jsonWith(
  body: Readonly<Record<string, unknown>>,
  numbers: Readonly<Record<string, string>>,
): string {
  const entries = Object.entries(body).filter(([, value]) => value !== null && value !== undefined);
  const members = [
    ...entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`),
    ...Object.entries(numbers).map(([key, digits]) => `${JSON.stringify(key)}:${digits}`),
  ];
  return `{${members.join(',')}}`;
}
