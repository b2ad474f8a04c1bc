// usePaginatedQuery of ConvexReactClient: every render is recorded.
import { root as element } from './react_stage.mjs';
import { createElement as h, useLayoutEffect } from 'react';
import { createRoot } from 'react-dom/client';
import { ConvexProvider, ConvexReactClient, usePaginatedQuery } from 'convex/react';
import { ConvexClient } from 'convex/browser';
import { anyApi as api } from 'convex/server';
import WebSocket from 'ws';
import { options, orders, tell, url, leave } from './stage.mjs';

const settings = { webSocketConstructor: WebSocket, unsavedChangesWarning: false };
const client = new ConvexReactClient(url, settings);
const { channel, items = 5 } = options;
const root = createRoot(element);

let last, waiting = [];
const until = (condition) =>
  last && condition(last) ? Promise.resolve() : new Promise((done) => waiting.push({ condition, done }));

function Pages({ query, args }) {
  const shown = usePaginatedQuery(query, args, { initialNumItems: items });
  tell('render', {
    status: shown.status,
    items: shown.results.map(({ _id, body, position }) => ({ id: _id, body, position })),
  });
  useLayoutEffect(() => {
    last = shown;
    waiting = waiting.filter(({ condition, done }) => !(condition(shown) && (done(), true)));
  });
  return null;
}
const show = (query, args) => root.render(h(ConvexProvider, { client }, h(Pages, { query, args })));

// A number from 0 to 1, the same in every run.
let state = 7;
const chance = () => (state = (state * 48271) % 2147483647) / 2147483647;

async function loadAll() {
  for (;;) {
    await until(({ status }) => status === 'CanLoadMore' || status === 'Exhausted');
    if (last.status === 'Exhausted') return;
    const { loadMore } = last;
    last = undefined;
    loadMore(items);
  }
}

const scenes = {
  // Loads page after page while another client inserts, moves and removes at random places.
  async walk() {
    show(api.pages[options.query ?? 'page'], { channel });
    await until(({ status }) => status === 'CanLoadMore');
    const other = new ConvexClient(url, settings);
    const passing = [];
    const disturb = async (most) => {
      const place = () => chance() * most;
      if (passing.length < 3 || chance() < 0.6) passing.push(await other.mutation(api.pages.put, { channel, position: place() }));
      else {
        const at = Math.floor(chance() * passing.length);
        if (chance() < 0.5) await other.mutation(api.pages.move, { id: passing[at], position: place() });
        else await other.mutation(api.pages.remove, { id: passing.splice(at, 1)[0] });
      }
    };
    for (let i = 0; i < 40; i++) await disturb(60); // into the first pages, which grow until they are split
    let stop = false;
    const disturbing = (async () => {
      while (!stop) await disturb(options.most);
    })();
    await loadAll();
    stop = true;
    await disturbing;
    const wanted = await other.query(api.pages.everything, { channel });
    const ids = JSON.stringify(wanted.map(({ _id }) => _id));
    await until(({ results, status }) => status === 'Exhausted' && JSON.stringify(results.map(({ _id }) => _id)) === ids);
    const live = (await (await fetch(`${url}/metrics`)).text()).match(/^reactor_live_queries (\d+)/m)[1];
    tell('end', { count: wanted.length, live: Number(live) });
    await other.close();
  },

  // The range depends on a document that changes: the hook begins again with the first page.
  async stale() {
    const other = new ConvexClient(url, settings);
    for (const name of ['one', 'two']) await other.mutation(api.pages.fill, { channel: name, count: 12 });
    await other.mutation(api.pages.choose, { channel: 'one' });
    show(api.pages.page_of_favourite, {});
    await loadAll();
    const before = last.results.map(({ _id }) => _id);
    await other.mutation(api.pages.choose, { channel: 'two' });
    await until(({ results, status }) => status === 'CanLoadMore' && results.length === items && !before.includes(results[0]._id));
    tell('end', { channel: last.results[0].channel });
    await other.close();
  },

  // Stays while the server is killed and comes back; tells what it shows when asked.
  async staying() {
    show(api.pages.page, { channel });
    await loadAll();
    tell('loaded', { count: last.results.length });
    for await (const order of orders()) {
      if (order.done) break;
      await until(({ results, status }) => status === 'Exhausted' && results.length === order.count);
      tell('shown', { positions: last.results.map(({ position }) => position) });
    }
  },
};

await scenes[options.scene]();
root.unmount();
await client.close();
await leave(); // jsdom keeps timers of its own
