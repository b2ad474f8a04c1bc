// ConvexHttpClient: one request a call, and queries that stay at one moment.
import { ConvexHttpClient } from 'convex/browser';
import { anyApi as api } from 'convex/server';
import { options, refusal, tell, url } from './stage.mjs';

const client = new ConvexHttpClient(url);
const { channel } = options;

const scenes = {
  async calls() {
    tell('sent', { id: await client.mutation(api.messages.send, { channel, body: 'one' }) });
    tell('asked', { bodies: await client.query(api.messages.bodies, { channel }) });
    tell('shouted', { count: await client.action(api.messages.shout, { channel, body: 'two' }) });
    await Promise.all(['a', 'b', 'c'].map((body) => client.mutation(api.messages.send, { channel, body })));
    tell('queued', { bodies: await client.query(api.messages.bodies, { channel }) });
  },

  async consistency() {
    await client.mutation(api.messages.send, { channel, body: 'before' });
    tell('first', { bodies: await client.consistentQuery(api.messages.bodies, { channel }) });
    await client.mutation(api.messages.send, { channel, body: 'after' });
    tell('second', { bodies: await client.consistentQuery(api.messages.bodies, { channel }) });
    tell('newest', { bodies: await client.query(api.messages.bodies, { channel }) });
    const later = new ConvexHttpClient(url);
    tell('later', { bodies: await later.consistentQuery(api.messages.bodies, { channel }) });
  },

  async failures() {
    tell('query', await refusal(() => client.query(api.faults.raises, {})));
    tell('queryData', await refusal(() => client.query(api.faults.raises_data, {})));
    tell('mutationData', await refusal(() => client.mutation(api.faults.writes_then_raises_data, { text: 'x' })));
    tell('actionData', await refusal(() => client.action(api.faults.action_raises_data, {})));
    tell('missing', await refusal(() => client.query(api.faults.hidden, {})));
  },

  async limits() {
    for (let n = 0; n < 2; n++) {
      await client.query(api.notes.seldom, {});
      await client.mutation(api.notes.add, {});
      await client.action(api.notes.ask, {});
    }
    tell('query', await refusal(() => client.query(api.notes.seldom, {})));
    tell('mutation', await refusal(() => client.mutation(api.notes.add, {})));
    tell('action', await refusal(() => client.action(api.notes.ask, {})));
  },
};

await scenes[options.scene]();
