// One write at a time, watched by many subscribers of the same query: when has the last of them got it?
// Options: subscribers, writes, awake (false: this process sleeps while it waits, since it shares its core).
import { awake, now, percentile, range, sleep, sum, token, within } from '../numbers.mjs';

const PADDING = ' lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor';
const WARM_UP_WRITES = 3, PAUSE_MS = 300, SETTLE_MS = 100, LATE_MS = 30_000;

/** Counts the subscribers that have seen the present token. */
class Delivery {
  constructor(subscribers) {
    this.seen = new Array(subscribers).fill(null);
    this.token = null;
    this.bytes = 0;
  }

  expect(text) {
    this.token = text;
    this.needle = Buffer.from(text);
    this.left = this.seen.length;
    return new Promise((resolve) => { this.done = resolve; });
  }

  see(data, i) {
    // The newest message stands last, so searching from the end costs this process next to nothing.
    if (this.token === null || this.seen[i] === this.token || data.lastIndexOf(this.needle) < 0) return;
    this.seen[i] = this.token;
    this.bytes = data.length;
    this.left -= 1;
    if (this.left === this.seen.length >> 1) this.halfAt = now();
    if (this.left === 0) { this.lastAt = now(); this.done(); }
  }
}

export default async function fanout({ deployment, server, phase, options }) {
  const { subscribers, writes } = options, channel = 'fan-out', wait = options.awake === false ? within : awake;
  const writer = await deployment.writer();
  for (const i of range(50)) await writer.call('messages:send', { channel, body: `seed ${i}` + PADDING });
  const delivery = new Delivery(subscribers), connecting = now();
  const clients = await deployment.subscribers(subscribers, 'messages:list', () => [{ channel }], (data, i) => delivery.see(data, i));
  const connectMs = now() - connecting;

  const last = [], half = [], acks = [], cpu = [];
  let missing = 0;
  for (const k of range(WARM_UP_WRITES + writes)) {
    await sleep(PAUSE_MS);
    if (k === WARM_UP_WRITES) phase.begin();
    const cpuBefore = server.cpuSeconds(), text = token();
    const everyone = delivery.expect(text), at = now();
    const ack = writer.call('messages:send', { channel, body: text + PADDING }).then(() => now() - at);
    const complete = await wait(everyone, LATE_MS), ackMs = await ack;
    await sleep(SETTLE_MS);
    if (!complete) missing += delivery.left;
    if (k < WARM_UP_WRITES || !complete) continue;
    last.push(delivery.lastAt - at); half.push(delivery.halfAt - at); acks.push(ackMs);
    cpu.push(server.cpuSeconds() - cpuBefore);
  }
  phase.end();
  for (const client of clients) client.close();
  writer.close();
  return {
    last_p50_ms: percentile(last, 50), last_p95_ms: percentile(last, 95), half_p50_ms: percentile(half, 50), ack_p50_ms: percentile(acks, 50),
    server_cpu_ms_per_write: sum(cpu) / cpu.length * 1000,
    push_bytes: delivery.bytes, connect_ms: connectMs, missing,
  };
}
