import { expect, it } from 'vitest';

import { startStack } from '../support/stack.ts';

it('an operation that failed several times in the same way is told so once', async () => {
  await using stack = await startStack();
  const { errors } = await stack.graphql(
    'query Wrong($a: ID!, $b: ID!) { a: node(id: $a) { id } b: node(id: $b) { id } }',
  );
  expect(errors?.map(({ extensions }) => extensions?.['code'])).toEqual(['BAD_USER_INPUT', 'BAD_USER_INPUT']);
  const line =
    stack
      .logged()
      .split('\n')
      .find((one) => one.includes('"operation":"Wrong"')) ?? '{}';
  expect(JSON.parse(line)).toMatchObject({ kind: 'query', outcome: 'BAD_USER_INPUT', caller: 'local' });
});
