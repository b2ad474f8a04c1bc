// Clients that write without rest and report each acknowledgement, through whatever happens to the server: the load of
// the crash tests.
import { ConvexClient } from 'convex/browser';
import { anyApi as api } from 'convex/server';
import { options, orders, tell, url } from './stage.mjs';

const { ledger, writers, inFlight } = options;
let resting = false, running = 0, held = Promise.resolve(), release;
const clients = [];

// A client's mutations run in the order of its calls, also when it had to send them again.
function writeAs(writer) {
  const client = new ConvexClient(url);
  clients.push(client);
  let sequence = 0;
  const write = async () => {
    await held;
    const mine = sequence++;
    running++;
    const count = await client.mutation(api.ledger.add, { ledger, writer, sequence: mine });
    running--;
    tell('acknowledged', { writer, sequence: mine, count });
    if (!resting) return write();
    if (running === 0) tell('rested', { sent: sequence });
  };
  for (let i = 0; i < inFlight; i++) write();
}

for (let i = 0; i < writers; i++) writeAs(`writer ${i}`);
for await (const order of orders()) {
  if (order.hold) held = new Promise((resolve) => (release = resolve)); // what was sent is sent again if need be
  if (order.goOn) release();
  if (order.rest) resting = true;
  if (order.leave) break;
}
await Promise.all(clients.map((client) => client.close()));
