// ConvexClient and ConvexHttpClient of a user. Tokens come from the test: it hears of each wish and sends one.
import { ConvexClient, ConvexHttpClient } from 'convex/browser';
import { anyApi as api } from 'convex/server';
import { options, orders, refusal, tell, url } from './stage.mjs';

const { room } = options;
const incoming = orders();
const order = async () => (await incoming.next()).value;

// Asks the test for a token; null stands for "signed out".
const fetchToken = async ({ forceRefreshToken }) => {
  tell('wish', { forced: forceRefreshToken });
  return (await order()).token;
};
const changed = (authenticated) => tell('authenticated', { authenticated });

const scenes = {
  // Be somebody, do something; when told to, be nobody.
  async life() {
    const client = new ConvexClient(url);
    client.onUpdate(api.members.me, {}, (who) => tell('me', { who }));
    client.onUpdate(api.visits.total, { room }, (total) => tell('total', { total }));
    tell('before', { who: await client.mutation(api.members.who_writes, {}) });
    client.setAuth(fetchToken, changed);
    tell('wrote', { who: await client.mutation(api.members.who_writes, {}) });
    tell('acted', { who: await client.action(api.members.who_acts, {}) });
    tell('asked', { who: (await client.query(api.members.me_whole, {})).name });
    await order(); // behind the tokens: while the client waits for one, it would ask for another one
    client.client.clearAuth();
    tell('after', { who: await client.mutation(api.members.who_writes, {}) });
    await client.close();
  },

  // Stay signed in, and write when told to.
  async staying() {
    const tokens = [...options.tokens];
    const client = new ConvexClient(url, { authRefreshTokenLeewaySeconds: options.leeway ?? 10 });
    client.onUpdate(api.members.me, {}, (who) => tell('me', { who }));
    client.setAuth(async (wish) => {
      tell('wish', { forced: wish.forceRefreshToken });
      return tokens.length > 1 ? tokens.shift() : tokens[0];
    }, changed);
    for await (const { write, done } of incoming) {
      if (done) break;
      if (write) tell('wrote', { who: await client.mutation(api.members.who_writes, {}) });
    }
    await client.close();
  },

  // Nothing is sent before there is a token.
  async expecting() {
    const client = new ConvexClient(url, { expectAuth: true });
    client.onUpdate(api.members.me, {}, (who) => tell('me', { who }));
    const written = client.mutation(api.members.who_writes, {});
    client.setAuth(fetchToken, changed);
    tell('wrote', { who: await written });
    await client.close();
  },

  // One request a call.
  async http() {
    const client = new ConvexHttpClient(url);
    client.setAuth((await order()).token);
    tell('asked', { who: await client.query(api.members.me, {}) });
    tell('wrote', { who: await client.mutation(api.members.who_writes, {}) });
    tell('acted', { who: await client.action(api.members.who_acts, {}) });
    client.setAuth((await order()).token);
    tell('refused', await refusal(() => client.query(api.members.me, {})));
    client.clearAuth();
    tell('after', { who: await client.query(api.members.me, {}) });
  },
};

await scenes[options.scene]();
await incoming.return();
