import { confirmation, isSuccess } from './operations.ts';

export const JSON_BOTH_WAYS = { 'content-type': 'application/json', accept: 'application/json' };

/** The answer of a gateway, or of a peer, to a body that is posted. */
export async function ask(url: string, body: string): Promise<string> {
  const response = await fetch(`${url}/graphql`, { method: 'POST', headers: JSON_BOTH_WAYS, body });
  return response.text();
}

/** One purchase; one that does not succeed ends the benchmark. */
export async function buy(url: string): Promise<void> {
  const answer = await ask(url, confirmation());
  if (!isSuccess(answer)) throw new Error(`a wrong answer: ${answer.slice(0, 500)}`);
}
