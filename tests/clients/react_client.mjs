// ConvexReactClient with useQuery and useMutation: every render is recorded as it was asked for.
import { root as element } from './react_stage.mjs';
import { Component, createElement as h, useLayoutEffect } from 'react';
import { createRoot } from 'react-dom/client';
import { ConvexProvider, ConvexReactClient, useMutation, useQuery } from 'convex/react';
import { ConvexClient } from 'convex/browser';
import { anyApi as api } from 'convex/server';
import WebSocket from 'ws';
import { described, options, tell, url, leave } from './stage.mjs';

// What the server says is heard only once `gate` is open: an answer that came before React had rendered would hide
// the very renders that a test is about.
let gate = Promise.resolve();
class Gated extends WebSocket {
  set onmessage(listener) {
    super.onmessage = async (message) => {
      await gate;
      listener(message);
    };
  }
}

const client = new ConvexReactClient(url, { webSocketConstructor: Gated, unsavedChangesWarning: false });
const { channel } = options;
const root = createRoot(element);
const show = (component, props = {}) => root.render(h(ConvexProvider, { client }, h(component, props)));

// Gives a function that resolves when `condition` of what was last reported holds.
function witness() {
  let last, waiting = [];
  return {
    see(value) {
      last = value;
      waiting = waiting.filter(({ condition, done }) => !(condition(value) && (done(), true)));
    },
    until: (condition) =>
      condition(last) ? Promise.resolve() : new Promise((done) => waiting.push({ condition, done })),
  };
}

class Boundary extends Component {
  state = { error: null };
  static getDerivedStateFromError = (error) => ({ error });
  componentDidCatch(error) {
    tell('caught', described(error));
    this.props.caught();
  }
  render() {
    return this.state.error ? h('p', null, 'sorry') : this.props.children;
  }
}

const scenes = {
  // A list with an optimistic update, while another client writes into the same channel.
  async optimism() {
    const committed = witness();
    let send;
    function Messages() {
      const messages = useQuery(api.messages.list, { channel });
      send = useMutation(api.messages.send).withOptimisticUpdate((store, { channel, body }) => {
        const shown = store.getQuery(api.messages.list, { channel });
        if (shown !== undefined)
          store.setQuery(api.messages.list, { channel }, [...shown, { _id: `new ${body}`, body, mine: true }]);
      });
      tell('render', { bodies: messages?.map((message) => message.body) ?? null });
      useLayoutEffect(() => committed.see(messages));
      return h('ul', null, messages?.map((message) => h('li', { key: message._id }, message.body)));
    }
    show(Messages);
    await committed.until((messages) => messages !== undefined);

    const other = new ConvexClient(url);
    let stop = false, others = 0;
    const interference = (async () => {
      while (!stop) await other.mutation(api.messages.send, { channel, body: `other ${others++}` });
    })();
    for (let i = 0; i < 5; i++) await send({ channel, body: `slow ${i}` });
    await Promise.all(Array.from({ length: 10 }, (_, i) => send({ channel, body: `fast ${i}` })));
    stop = true;
    await interference;
    await committed.until((messages) => messages.length === 15 + others && messages.every((message) => !message.mine));
    tell('page', { items: [...element.querySelectorAll('li')].map((item) => item.textContent) });
    await other.close();
  },

  // An optimistic update of a mutation that fails is taken back.
  async disappointment() {
    const committed = witness();
    let spoil;
    function Health() {
      const health = useQuery(api.faults.healthy, {});
      spoil = useMutation(api.faults.writes_then_raises_data).withOptimisticUpdate((store) => {
        const shown = store.getQuery(api.faults.healthy, {});
        store.setQuery(api.faults.healthy, {}, { ...shown, notes: shown.notes + 1 });
      });
      tell('render', { notes: health?.notes ?? null });
      useLayoutEffect(() => committed.see(health));
      return h('p', null, health?.notes);
    }
    show(Health);
    await committed.until((health) => health?.notes === 0);
    gate = committed.until((health) => health.notes === 1);
    await spoil({ text: 'x' }).catch((error) => tell('refused', described(error)));
    await committed.until((health) => health.notes === 0);
  },

  // useQuery throws the query's error while rendering.
  async failure() {
    const Failing = () => h('p', null, useQuery(api.faults.raises_data, {}));
    await new Promise((caught) => show(Boundary, { caught, children: h(Failing) }));
    tell('page', { text: element.textContent });
  },

  // Two queries in one component: no render may see them at different moments.
  async moments() {
    const committed = witness();
    const { bank } = options;
    function Totals() {
      const north = useQuery(api.bank.branch_total, { bank, branch: 'north' });
      const south = useQuery(api.bank.branch_total, { bank, branch: 'south' });
      if (north !== undefined && south !== undefined) tell('totals', { north, south });
      useLayoutEffect(() => committed.see(north === undefined || south === undefined ? null : north));
      return h('p', null, north, south);
    }
    show(Totals);
    await committed.until((north) => typeof north === 'number');
    const others = [new ConvexClient(url), new ConvexClient(url)];
    await Promise.all(others.map(async (other) => {
      for (let i = 0; i < 40; i++) await other.mutation(api.bank.transfer, { bank });
      await other.close();
    }));
  },
};

await scenes[options.scene]();
root.unmount();
await client.close();
await leave(); // jsdom keeps timers of its own
