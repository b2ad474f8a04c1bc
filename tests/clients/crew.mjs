// A subscriber that tells which worker serves it, and what it sees; writes when told to.
import { ConvexClient } from 'convex/browser';
import { anyApi as api } from 'convex/server';
import { orders, tell, url } from './stage.mjs';

const client = new ConvexClient(url);
client.onUpdate(api.crew.worker, {}, (worker) => tell('worker', { worker }));
client.onUpdate(api.crew.texts, {}, (texts) => tell('texts', { texts }));
for await (const { add, done } of orders()) {
  if (done) break;
  client.mutation(api.crew.add, { text: add }).then((worker) => tell('added', { text: add, worker }));
}
await client.close();
