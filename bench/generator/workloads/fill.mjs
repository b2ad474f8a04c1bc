// Puts many documents into the messages table, in batches: the stage for push on a large table.
// Options: documents, batch (documents in one mutation), depth (documents in one channel), inFlight.
import { now, pooled, range } from '../numbers.mjs';

const MIB = 1048576;

export default async function fill({ deployment, server, phase, options }) {
  const { documents, batch, depth, inFlight } = options;
  const writer = await deployment.writer(), before = server.memory(), start = now();
  phase.begin();
  await pooled(range(Math.ceil(documents / batch)), inFlight, (i) => {
    const first = i * batch;
    return writer.call('fill:messages', { first, count: Math.min(batch, documents - first), depth });
  });
  phase.end();
  const elapsed = (now() - start) / 1000, after = server.memory();
  writer.close();
  return {
    documents_per_second: documents / elapsed, seconds: elapsed,
    before_anonymous_mib: before.anonymous / MIB, after_anonymous_mib: after.anonymous / MIB,
    grown_mib: (after.anonymous - before.anonymous) / MIB, after_rss_mib: after.rss / MIB,
  };
}
