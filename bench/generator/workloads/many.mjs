// Subscriptions that all differ, and a mutation that writes many documents of which exactly one is subscribed:
// the cost of a commit must follow what it touches, not what exists.
// Options: connections, queries (a connection), writes, documents (in each mutation).
import { now, percentile, range, sleep, sum, token, within } from '../numbers.mjs';

const WARM_UP_WRITES = 10, PAUSE_MS = 20, LATE_MS = 30_000;

export default async function many({ deployment, server, phase, options }) {
  const { connections, queries, writes, documents } = options, total = connections * queries;
  const key = (n) => `key-${n}`;
  let needle = null, arrive = null, needless = 0;
  const receive = (data) => {
    if (needle !== null && data.lastIndexOf(needle) >= 0) arrive(now()); else needless += 1;
  };
  const connecting = now();
  const clients = await deployment.subscribers(connections, 'many:list', (i) => range(queries).map((q) => ({ key: key(i * queries + q) })), receive);
  const connectMs = now() - connecting, writer = await deployment.writer();

  const pushes = [], acks = [], cpu = [];
  for (const k of range(WARM_UP_WRITES + writes)) {
    await sleep(PAUSE_MS);
    if (k === WARM_UP_WRITES) phase.begin();
    // A stride that shares no factor with the count visits the subscriptions in a scattered order.
    const touched = key((k * 7919) % total), text = token(), before = server.cpuSeconds();
    needle = Buffer.from(text);
    const arrival = new Promise((resolve) => { arrive = resolve; }), at = now();
    const ack = writer.call('many:write', { key: touched, body: text, elsewhere: `nowhere-${k}`, count: documents }).then(() => now() - at);
    if (!await within(arrival, LATE_MS)) throw new Error(`the write to ${touched} was not pushed within ${LATE_MS / 1000} s`);
    const pushMs = await arrival - at, ackMs = await ack;
    if (k < WARM_UP_WRITES) continue;
    pushes.push(pushMs); acks.push(ackMs); cpu.push(server.cpuSeconds() - before);
  }
  phase.end();
  for (const client of clients) client.close();
  writer.close();
  return {
    push_p50_ms: percentile(pushes, 50), push_p95_ms: percentile(pushes, 95), ack_p50_ms: percentile(acks, 50),
    server_cpu_ms_per_write: sum(cpu) / cpu.length * 1000, subscriptions: total, connect_ms: connectMs, needless_pushes: needless,
  };
}
