// ConvexClient and ConvexHttpClient: vectors in arguments and results, by an action and in a live query.
import { ConvexClient, ConvexHttpClient } from 'convex/browser';
import { anyApi as api } from 'convex/server';
import { refusal, tell, url } from './stage.mjs';

const client = new ConvexClient(url);
const { books } = api;

let shown;
const seen = new Promise((resolve) => (shown = resolve));
client.onUpdate(books.near, { at: [1, 0, 0], limit: 2 }, (titles) => {
  tell('near', { titles });
  if (titles[0] === 'nearest') shown();
});
const first = await client.mutation(books.put, { title: 'first', at: [1, 0.5, 0] });
await client.mutation(books.put, { title: 'second', at: [0, 1, 0], genre: 'poem' });
tell('found', { first, matches: await client.action(books.find, { at: [2, 1, 0], limit: 2 }) });
tell('filtered', { matches: await client.action(books.find, { at: [2, 1, 0], genres: ['poem', 'play'] }) });
tell('over http', { matches: await new ConvexHttpClient(url).action(books.find, { at: [2, 1, 0] }) });
tell('refused', await refusal(() => client.action(books.find, { at: [1, 2] })));
await client.mutation(books.put, { title: 'nearest', at: [5, 0, 0] });
await seen;
await client.close();
