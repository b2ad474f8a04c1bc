// Writes at a steady rate into one channel that a few official clients watch: how late is the news?
// Of several servers the first is written to, and the last one is where the clients are.
// Options: rate (writes/s), seconds, subscribers, channel, seed (messages to put there first).
import { now, percentile, pooled, range, sleep, token } from '../numbers.mjs';

const PADDING = ' lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor';
const MIB = 1048576;
const GRACE_MS = 5000;

/** What a subscriber still has to see: tokens with the moment they were sent (null: a warm-up write). */
class Watcher {
  #expected = new Map();
  #latencies;

  constructor(latencies) {
    this.#latencies = latencies;
  }
  expect(text, at) { this.#expected.set(text, at); }
  get missing() { return this.#expected.size; }

  /** A push may bring several writes at once, and a write may be missed by a push that was under way. */
  see(messages) {
    const at = now();
    for (const [text, sent] of this.#expected) {
      if (!messages.some((message) => message.body.startsWith(text))) continue;
      this.#expected.delete(text);
      if (sent !== null) this.#latencies.push(at - sent);
    }
  }
}

export default async function push({ deployment, deployments, server, phase, options }) {
  const { rate, seconds, subscribers, channel, seed } = options;
  const writer = await deployment.writer();
  for (const i of range(seed)) await writer.call('messages:send', { channel, body: `seed ${i}` });

  const latencies = [], acks = [];
  const watchers = range(subscribers).map(() => new Watcher(latencies));
  const clients = await pooled(watchers, 1, (watcher) => deployments.at(-1).watch('messages:list', { channel }, (messages) => watcher.see(messages)));

  const warmUp = rate, total = warmUp + rate * seconds, start = now(), writes = [];
  let cpu = 0;
  for (const k of range(total)) {
    await sleep(Math.max(0, start + k * 1000 / rate - now()));
    if (k === warmUp) { phase.begin(); cpu = server.cpuSeconds(); }
    const text = token(), counts = k >= warmUp, at = now();
    for (const watcher of watchers) watcher.expect(text, counts ? at : null);
    writes.push(writer.call('messages:send', { channel, body: text + PADDING }).then(() => { if (counts) acks.push(now() - at); }));
  }
  await Promise.all(writes);
  cpu = server.cpuSeconds() - cpu;
  const end = now(), missing = () => watchers.reduce((count, watcher) => count + watcher.missing, 0);
  while (missing() && now() - end < GRACE_MS) await sleep(20);
  phase.end();
  const memory = server.memory();
  for (const client of clients) await client.close();
  writer.close();
  return {
    push_p50_ms: percentile(latencies, 50), push_p99_ms: percentile(latencies, 99), push_max_ms: percentile(latencies, 100),
    ack_p50_ms: percentile(acks, 50), ack_p99_ms: percentile(acks, 99),
    server_cpu_percent: cpu / seconds * 100, delivered: latencies.length, missing: missing(),
    anonymous_mib: memory.anonymous / MIB, rss_mib: memory.rss / MIB,
  };
}
