// Two queries of one client while others move money: what the client shows at one time must fit together.
import { BaseConvexClient, ConvexClient } from 'convex/browser';
import { anyApi as api } from 'convex/server';
import WebSocket from 'ws';
import { options, tell, url } from './stage.mjs';

const { bank, transfers } = options;
const path = 'bank:branch_total';
let known, first = new Promise((resolve) => (known = resolve));

const client = new BaseConvexClient(url, () => {
  const north = client.localQueryResult(path, { bank, branch: 'north' });
  const south = client.localQueryResult(path, { bank, branch: 'south' });
  if (north === undefined || south === undefined) return;
  tell('totals', { north, south });
  known();
}, { webSocketConstructor: WebSocket, unsavedChangesWarning: false });
client.subscribe(path, { bank, branch: 'north' });
client.subscribe(path, { bank, branch: 'south' });
await first;

const others = Array.from({ length: 4 }, () => new ConvexClient(url));
await Promise.all(others.map(async (other) => {
  for (let i = 0; i < transfers; i++) await other.mutation(api.bank.transfer, { bank });
  await other.close();
}));
await client.mutation('bank:transfer', { bank });
await client.close();
