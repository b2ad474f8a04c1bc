// Many sessions with the first page of the dashboards open: when has the last of them got an order?
// Options: subscribers, writes, adminKey.
import { awake, now, percentile, range, sleep, sum } from '../numbers.mjs';
import { School } from '../school.mjs';

const WARM_UP_WRITES = 3, PAUSE_MS = 300, SETTLE_MS = 100, LATE_MS = 30_000;

export default async function crowd({ deployment, server, phase, options }) {
  const { subscribers, writes } = options, school = new School(options.urls[0], options.adminKey);
  await school.open();
  const [[path, args]] = school.queries('overview', { range: 'last30days' });
  const got = new Array(subscribers).fill(0);
  let round = 0, left = 0, lastAt = 0, bytes = 0, done = () => {};
  const see = (data, i) => {
    if (got[i] === round) return;
    got[i] = round;
    bytes = data.length;
    if (--left === 0) { lastAt = now(); done(); }
  };
  const connecting = now();
  const clients = await deployment.subscribers(subscribers, path, () => [args], see);
  const connectMs = now() - connecting, last = [], acks = [], cpu = [];
  let missing = 0;
  for (const k of range(WARM_UP_WRITES + writes)) {
    const order = await school.place();
    await sleep(PAUSE_MS);
    if (k === WARM_UP_WRITES) phase.begin();
    round += 1;
    left = subscribers;
    const everyone = new Promise((resolve) => { done = resolve; }), before = server.cpuSeconds(), at = now();
    const ack = school.pay(order, `crowd-${process.pid}-${k}`).then(() => now() - at);
    const complete = await awake(everyone, LATE_MS), ackMs = await ack;
    await sleep(SETTLE_MS);
    if (!complete) missing += left;
    if (k < WARM_UP_WRITES || !complete) continue;
    last.push(lastAt - at);
    acks.push(ackMs);
    cpu.push(server.cpuSeconds() - before);
  }
  phase.end();
  for (const client of clients) client.close();
  return {
    last_p50_ms: percentile(last, 50), last_p95_ms: percentile(last, 95), ack_p50_ms: percentile(acks, 50),
    server_cpu_ms_per_write: sum(cpu) / cpu.length * 1000, push_bytes: bytes, connect_ms: connectMs, missing,
  };
}
