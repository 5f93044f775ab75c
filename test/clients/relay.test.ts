import { execFile } from 'node:child_process';
import { copyFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

import relay, { type ConcreteRequest } from 'relay-runtime';
import { test } from 'vitest';

import { graphqlCaller, temporaryFolder } from '../support/stack.ts';
import { buy, documents, startShop, type Step } from './story.ts';

const require = createRequire(import.meta.url);
const { commitMutation, Environment, Network, Observable, RecordSource, requestSubscription, Store } = relay;

/** What Relay's compiler makes of the documents, by the schema that is promised. It wants names that begin as the file does. */
async function compiled(folder: string): Promise<Record<Step, ConcreteRequest>> {
  const named = {
    validate: documents.validate.replace('Validate', 'storyValidateMutation'),
    confirm: documents.confirm.replace('Confirm', 'storyConfirmMutation'),
    follow: documents.follow.replace('Follow', 'storyFollowSubscription'),
  };
  const tagged = Object.values(named).map((text) => `graphql\`${text}\`;`);
  await writeFile(join(folder, 'story.js'), tagged.join('\n'));
  const config = { src: '.', schema: 'schema.graphql', language: 'javascript', eagerEsModules: true };
  await writeFile(join(folder, 'relay.config.json'), JSON.stringify(config));
  await copyFile('schema.graphql', join(folder, 'schema.graphql'));
  await promisify(execFile)(
    process.execPath,
    [require.resolve('relay-compiler/cli.js'), 'relay.config.json'],
    { cwd: folder },
  );
  const load = async (name: string) =>
    (await import(pathToFileURL(join(folder, `__generated__/${name}.graphql.js`)).href)).default;
  return {
    validate: await load('storyValidateMutation'),
    confirm: await load('storyConfirmMutation'),
    follow: await load('storyFollowSubscription'),
  };
}

test('Relay compiles against the schema, buys over HTTP and follows over a WebSocket', async () => {
  await using folder = await temporaryFolder();
  const requests = await compiled(folder.path);
  await using shop = await startShop();
  const socket = shop.socket();
  const ask = graphqlCaller(shop.gateway.url);
  const environment = new Environment({
    store: new Store(new RecordSource()),
    network: Network.create(
      async ({ text }, variables): Promise<any> => ask(text ?? '', variables),
      ({ text }, variables) =>
        Observable.create<any>((sink) => socket.subscribe({ query: text ?? '', variables }, sink)),
    ),
  });
  await buy({
    mutate: (step, variables) =>
      new Promise((resolve, reject) => {
        commitMutation<any>(environment, {
          mutation: requests[step],
          variables,
          onCompleted: resolve,
          onError: reject,
        });
      }),
    follow: (variables) =>
      new Promise((resolve, reject) => {
        const seen: Record<string, any>[] = [];
        requestSubscription<any>(environment, {
          subscription: requests.follow,
          variables,
          onNext: (data) => void seen.push(data),
          onError: reject,
          onCompleted: () => resolve(seen),
        });
      }),
  });
});
