// Writers that send the next mutation when the last one is answered, for a while: how many are made durable a second?
// Of several servers each has its share of the writers.
// Options: writers, seconds, subscribers (of other channels), over ("websocket" or "http"),
//   mutation ("messages:send": everyone adds a row; "counters:add": everyone increments one document).
import { now, percentile, pooled, range, sleep, within } from '../numbers.mjs';
import { ownCpuSeconds } from '../process.mjs';

const PADDING = ' lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor';
const AT_ONCE = 8, DRAIN_MS = 20_000, AFTER_ERROR_MS = 20, NEWS_MS = 5_000;

function argumentsOf(mutation, writer, n) {
  return mutation === 'counters:add' ? { name: 'hot' } : { channel: 'inserts', body: `writer ${writer} message ${n}` + PADDING };
}

/** How many of the acknowledged increments are not in the counter; the news of other servers may still be on their way. */
async function missing(deployment, acknowledged) {
  const until = now() + NEWS_MS, count = () => deployment.read('counters:get', { name: 'hot' });
  let lost = acknowledged - await count();
  while (lost > 0 && now() < until) {
    await sleep(AFTER_ERROR_MS);
    lost = acknowledged - await count();
  }
  return lost;
}

export default async function inserts({ deployment, deployments, server, phase, options }) {
  const { writers, seconds, subscribers, over, mutation, warmUp } = options;
  let pushes = 0;
  const watching = await deployment.subscribers(subscribers, 'messages:list', (i) => [{ channel: `elsewhere-${i}` }], () => { pushes += 1; });
  const open = (i) => {
    const chosen = deployments[i % deployments.length];
    return over === 'http' ? chosen.httpWriter(writers) : chosen.writer();
  };
  const clients = await pooled(range(writers), AT_ONCE, open);

  let measuring = false, stopped = false, acknowledged = 0, errors = 0, firstError;
  const latencies = [];
  const write = async (client, i) => {
    for (let n = 0; !stopped; n++) {
      const at = now();
      try {
        await client.call(mutation, argumentsOf(mutation, i, n));
      } catch (error) {
        errors += 1;
        firstError ??= String(error).slice(0, 300);
        await sleep(AFTER_ERROR_MS);
        continue;
      }
      acknowledged += 1;
      if (measuring) latencies.push(now() - at);
    }
  };
  const loops = clients.map(write);

  await sleep(warmUp * 1000);
  phase.begin();
  const cpu = server.cpuSeconds(), own = ownCpuSeconds(), start = now();
  measuring = true;
  await sleep(seconds * 1000);
  measuring = false;
  const elapsed = (now() - start) / 1000, cpuUsed = server.cpuSeconds() - cpu, ownUsed = ownCpuSeconds() - own;
  phase.end();
  stopped = true;
  const drained = await within(Promise.all(loops), DRAIN_MS);
  const lost = mutation === 'counters:add' ? await missing(deployment, acknowledged) : 0;
  for (const client of [...clients, ...watching]) client.close();
  return {
    per_second: latencies.length / elapsed, ack_p50_ms: percentile(latencies, 50), ack_p99_ms: percentile(latencies, 99),
    server_cpu_percent: cpuUsed / elapsed * 100, generator_cpu_percent: ownUsed / elapsed * 100,
    errors, first_error: firstError, unanswered: drained ? 0 : 1, needless_pushes: pushes, acknowledged, lost,
  };
}
