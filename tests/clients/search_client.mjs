// usePaginatedQuery of ConvexReactClient over a search, as somebody types.
import { root as element } from './react_stage.mjs';
import { createElement as h, useLayoutEffect } from 'react';
import { createRoot } from 'react-dom/client';
import { ConvexProvider, ConvexReactClient, usePaginatedQuery } from 'convex/react';
import { anyApi as api } from 'convex/server';
import WebSocket from 'ws';
import { tell, url, leave } from './stage.mjs';

const client = new ConvexReactClient(url, { webSocketConstructor: WebSocket, unsavedChangesWarning: false });
const root = createRoot(element);
const { texts } = api;

let last, waiting = [];
const until = (condition) => new Promise((done) => (last && condition(last) ? done() : waiting.push({ condition, done })));

function Results({ text }) {
  const shown = usePaginatedQuery(texts.search, { text, channel: 'general' }, { initialNumItems: 2 });
  useLayoutEffect(() => {
    last = { ...shown, text, bodies: shown.results.map(({ body }) => body) };
    waiting = waiting.filter(({ condition, done }) => !(condition(last) && (done(), true)));
  });
  return null;
}
const type = async (text) => {
  root.render(h(ConvexProvider, { client }, h(Results, { text })));
  await until((shown) => shown.text === text && !shown.status.startsWith('Loading'));
  tell('typed', { text, bodies: last.bodies, status: last.status });
};

for (const body of ['fox', 'fox and hound', 'foxglove', 'forest fire', 'hound']) await client.mutation(texts.put, { body });
await client.mutation(texts.put, { body: 'fox', channel: 'other' });
for (const text of ['f', 'fo', 'fox', 'fox h', '']) await type(text);
await type('fo');
last.loadMore(2);
await until(({ status, bodies }) => bodies.length === 4);
tell('all', { bodies: last.bodies });
await client.mutation(texts.put, { body: 'fo' });
await until(({ bodies }) => bodies.includes('fo'));
tell('live', { bodies: last.bodies });
tell('own', { bodies: await client.mutation(texts.putAndLook, { body: 'hound hound', text: 'hound' }) });
root.unmount();
await client.close();
await leave(); // jsdom keeps timers of its own
