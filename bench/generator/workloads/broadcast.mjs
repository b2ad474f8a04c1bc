// The floor of fanout: a server that sends one text of a given size to every socket, no protocol and no database.
// Options: subscribers, writes.
import { awake, now, percentile, pooled, range, sleep } from '../numbers.mjs';
import { FrameSocket } from '../socket.mjs';

const WARM_UP_ROUNDS = 5, PAUSE_MS = 120, SETTLE_MS = 1000, LATE_MS = 20_000, CONNECT_AT_ONCE = 20;

export default async function broadcast({ server, phase, options }) {
  const { subscribers, writes } = options, url = options.urls[0].replace(/^http/, 'ws') + '/';
  const before = server.memory();
  let left = 0, lastAt = 0, done = null, prefix = Buffer.alloc(0);
  const receive = (data) => {
    if (data.indexOf(prefix) !== 0 || --left > 0) return;
    lastAt = now();
    done();
  };
  const clients = await pooled(range(subscribers), CONNECT_AT_ONCE, () => FrameSocket.open(url, receive));
  const control = await FrameSocket.open(url, () => {});
  control.send('control');
  await sleep(SETTLE_MS);
  const after = server.memory(), last = [];
  phase.begin();
  let cpu = server.cpuSeconds();
  for (const k of range(WARM_UP_ROUNDS + writes)) {
    if (k === WARM_UP_ROUNDS) cpu = server.cpuSeconds();
    const label = `round${String(k).padStart(5, '0')}`;
    prefix = Buffer.from(label);
    left = subscribers;
    const everyone = new Promise((resolve) => { done = resolve; }), at = now();
    control.send(`go ${label}`);
    if (!await awake(everyone, LATE_MS)) throw new Error(`${left} of ${subscribers} got no broadcast within ${LATE_MS / 1000} s`);
    if (k >= WARM_UP_ROUNDS) last.push(lastAt - at);
    await sleep(PAUSE_MS);
  }
  cpu = server.cpuSeconds() - cpu;
  phase.end();
  for (const client of clients) client.terminate();
  control.terminate();
  return {
    last_p50_ms: percentile(last, 50), last_p95_ms: percentile(last, 95),
    server_cpu_us_per_send: cpu / writes / subscribers * 1e6, subscriber_kib: (after.rss - before.rss) / 1024 / subscribers,
  };
}
