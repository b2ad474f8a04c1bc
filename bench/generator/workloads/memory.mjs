// Idle connections with several live queries each: what does one cost the server?
// Options: subscribers, queries (a connection), channels (to choose from), settle (seconds).
import { now, pooled, range, sleep } from '../numbers.mjs';

const MIB = 1048576;
const MESSAGES_IN_CHANNEL = 10, BODY = 'one of the few messages that stand in every channel';

export default async function memory({ deployment, server, phase, options }) {
  const { subscribers, queries, channels, settle } = options;
  const name = (i) => `channel-${i % channels}`;
  const chosen = (i) => range(queries).map((k) => ({ channel: name(i * queries + k * 7) }));
  const writer = await deployment.writer();
  await pooled(range(channels), 4, async (i) => {
    for (const _ of range(MESSAGES_IN_CHANNEL)) await writer.call('messages:send', { channel: name(i), body: BODY });
  });
  // A throw-away subscriber first, so that code and caches that load on demand are not charged to the others.
  (await deployment.subscribe('messages:list', chosen(0), () => {})).close();
  await sleep(settle * 400);

  phase.begin();
  const before = server.memory(), cpu = server.cpuSeconds(), start = now();
  const clients = await deployment.subscribers(subscribers, 'messages:list', chosen);
  const connectMs = now() - start;
  await sleep(settle * 1000);
  const after = server.memory(), cpuUsed = server.cpuSeconds() - cpu;
  phase.end();
  for (const client of clients) client.close();
  writer.close();
  return {
    subscriber_kib: (after.rss - before.rss) / 1024 / subscribers, subscriber_pss_kib: (after.pss - before.pss) / 1024 / subscribers,
    base_rss_mib: before.rss / MIB, connect_ms: connectMs, connect_cpu_ms_per_subscriber: cpuUsed * 1000 / subscribers,
  };
}
