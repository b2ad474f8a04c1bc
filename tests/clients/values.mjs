// Values that JSON cannot say, from JavaScript to Python and back.
import { ConvexClient, ConvexHttpClient } from 'convex/browser';
import { anyApi as api } from 'convex/server';
import { tell, url } from './stage.mjs';

const sent = {
  integer: 2n ** 63n - 1n, negative: -(2n ** 63n), zeroInteger: 0n, nan: NaN, infinity: Infinity, minusInfinity: -Infinity,
  minusZero: -0, tenth: 0.1, whole: 3, huge: 1e300, tiny: 5e-324, text: 'naïve 😀 \u0000 end', empty: '', yes: true, none: null,
  bytes: new Uint8Array([0, 255, 128]).buffer, noBytes: new ArrayBuffer(0), list: [1, [2n, [null]]], object: { 'a key': { b: [] } },
};

// A form that JSON can say and that keeps apart what must be kept apart.
function plain(value) {
  if (typeof value === 'bigint') return `int64 ${value}`;
  if (typeof value === 'number') return `float64 ${Object.is(value, -0) ? '-0' : value}`;
  if (value instanceof ArrayBuffer) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]).sort());
  return value;
}

const client = new ConvexClient(url);
const http = new ConvexHttpClient(url);
tell('sent', { value: plain(sent) });
tell('seen', { values: await client.action(api.boxes.seen, { values: Object.values(sent) }) });
tell('returned', { value: plain(await client.mutation(api.boxes.put, { name: 'box', value: sent })) });
await new Promise((done) => client.onUpdate(api.boxes.take, { name: 'box' }, (value) => {
  tell('subscribed', { value: plain(value) });
  done();
}));
tell('http', { value: plain(await http.query(api.boxes.take, { name: 'box' })) });
tell('made', { value: plain(await client.query(api.boxes.made, {})) });
await client.close();
