// Time, order statistics and bounded concurrency: all that the workloads share besides sockets.

export const now = () => performance.now();
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The value below which p percent of the samples lie, interpolated; NaN for no samples. */
export function percentile(samples, p) {
  if (!samples.length) return NaN;
  const sorted = Float64Array.from(samples).sort();
  const at = (sorted.length - 1) * p / 100, low = Math.floor(at), high = Math.ceil(at);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

export const sum = (samples) => samples.reduce((total, x) => total + x, 0);

/** Run job(item, position) over all items, at most `limit` at once; the results in the items' order. */
export async function pooled(items, limit, job) {
  const results = new Array(items.length);
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const mine = next++;
      results[mine] = await job(items[mine], mine);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  return results;
}

export const range = (n) => Array.from({ length: n }, (_, i) => i);

/** Whether the promise came true within so many milliseconds; a rejection is passed on. */
export async function within(promise, ms) {
  let timer;
  const late = new Promise((resolve) => { timer = setTimeout(resolve, ms, false); });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The same, with this process kept awake meanwhile. A receiver that sleeps between messages has to be woken for each,
 * and that is done on the server's core, at a cost (several microseconds in a virtual machine) that is not the server's.
 */
export async function awake(promise, ms) {
  const deadline = now() + ms;
  let settled = false;
  const mark = () => { settled = true; };
  promise.then(mark, mark);
  while (!settled && now() < deadline) await new Promise(setImmediate);
  if (settled) await promise;
  return settled;
}

let tokens = 0;
const family = `tok${process.pid.toString(36)}x`;
/** A text of fixed length that occurs in no other message of this process. */
export const token = () => family + (tokens++).toString(36).padStart(8, '0');
