/**
 * What a client of graphql-ws calls its Authorization: `{ authorization: "Bearer …" }`, in any case, or the same among
 * `headers`, as GraphiQL and Apollo's links are commonly given them. More than one that differ are told as they are.
 */
export function authorizationIn(params: Readonly<Record<string, unknown>> | undefined): readonly string[] {
  if (params === undefined) return [];
  const headers = Object.entries(params).find(([name]) => name.toLowerCase() === 'headers')?.[1];
  const among = typeof headers === 'object' && headers !== null ? Object.entries(headers) : [];
  const values = [...Object.entries(params), ...among].flatMap(([name, value]: [string, unknown]) =>
    name.toLowerCase() === 'authorization' ? [typeof value === 'string' ? value : ''] : [],
  );
  return [...new Set(values)];
}
