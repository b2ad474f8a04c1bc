// ConvexClient: subscribe, mutate, run an action, and meet every kind of failure.
import { ConvexClient } from 'convex/browser';
import { anyApi as api } from 'convex/server';
import { refusal, described, options, tell, url, orders } from './stage.mjs';

const client = new ConvexClient(url);
const { channel } = options;

const scenes = {
  // Every result of a subscription, and what mutations and actions give.
  async conversation() {
    let off;
    const third = new Promise((heard) => {
      off = client.onUpdate(api.messages.bodies, { channel }, (bodies) => {
        tell('bodies', { bodies });
        if (bodies.length === 3) heard();
      });
    });
    for (const body of ['one', 'two']) tell('sent', { id: await client.mutation(api.messages.send, { channel, body }) });
    tell('shouted', { count: await client.action(api.messages.shout, { channel, body: 'three' }) });
    await third;  // an action's answer waits for no subscription
    tell('asked', { bodies: await client.query(api.messages.bodies, { channel }) });
    off();
    await client.mutation(api.messages.send, { channel, body: 'unheard' });
  },

  // Thirty mutations without waiting, each promise checked against what the subscription shows by then.
  async haste() {
    let shown = [];
    client.onUpdate(api.messages.bodies, { channel }, (bodies) => (shown = bodies));
    const writes = Array.from({ length: 30 }, (_, i) =>
      client.mutation(api.messages.send, { channel, body: `${i}` }).then(() => shown.includes(`${i}`)));
    tell('hasty', { readOwnWrites: await Promise.all(writes), shown });
  },

  // Failures of functions, plain and with data.
  async failures() {
    const faults = api.faults;
    tell('query', await refusal(() => client.query(faults.raises, {})));
    tell('queryData', await refusal(() => client.query(faults.raises_data, {})));
    tell('mutation', await refusal(() => client.mutation(faults.writes_then_raises, { text: 'x' })));
    tell('mutationData', await refusal(() => client.mutation(faults.writes_then_raises_data, { text: 'x' })));
    tell('action', await refusal(() => client.action(faults.action_raises, {})));
    tell('actionData', await refusal(() => client.action(faults.action_raises_data, {})));
    tell('arguments', await refusal(() => client.mutation(faults.note, { text: 5 })));
    tell('missing', await refusal(() => client.query(faults.nope, {})));
    tell('healthy', { value: await client.query(faults.healthy, {}) });
  },

  // A subscription that turns from a value into an error: callback, then error callback.
  async turning() {
    await new Promise((done) => {
      client.onUpdate(api.faults.raises_when_noted, {}, (value) => tell('value', { value }), (error) => {
        tell('error', described(error));
        done();
      });
      client.mutation(api.faults.note, { text: 'spoil' });
    });
  },

  // A mutation that is called too often, and a subscription that is refused and recovers by itself.
  async limits() {
    for (let n = 0; n < 2; n++) tell('added', { count: await client.mutation(api.notes.add, {}) });
    tell('mutation', await refusal(() => client.mutation(api.notes.add, {})));
    for (let n = 0; n < 2; n++) await client.action(api.notes.ask, {});
    tell('action', await refusal(() => client.action(api.notes.ask, {})));
    client.onUpdate(api.notes.slowly, { n: 0 }, (value) => tell('first', { value }));
    await new Promise((done) => {
      client.onUpdate(api.notes.slowly, { n: 1 }, (value) => { tell('second', { value }); done(); },
        (error) => tell('waits', described(error)));
    });
  },

  // What functions print comes out in the console of the calling client.
  async speech() {
    await client.query(api.faults.speaks, {});
    await client.mutation(api.faults.speaks_in_mutation, {});
    await client.action(api.faults.speaks_in_action, {});
  },

  // Stay subscribed and write when told to, whatever happens to the server meanwhile.
  async staying() {
    client.onUpdate(api.messages.bodies, { channel }, (bodies) => tell('bodies', { bodies }));
    for await (const { body, done } of orders()) {
      if (done) break;
      client.mutation(api.messages.send, { channel, body }).then(() => tell('acknowledged', { body }));
    }
  },
};

await scenes[options.scene]();
await client.close();
