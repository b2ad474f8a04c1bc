// A client that moves one file after another, in a process of its own, until it is ended:
//   node transfer.mjs up UPLOAD_URL BYTES     uploads files of that size
//   node transfer.mjs down FILE_URL BYTES     fetches a file of that size, again and again
// Prints a JSON line for each: {"seconds", "id" (of an upload)}.
import { request } from 'node:http';
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';

// What measures shares a core with this, and must not be the slower for it.
setPriority(constants.priority.PRIORITY_LOW);

const [direction, url, size] = process.argv.slice(2);
const bytes = Number(size), block = Buffer.alloc(256 * 1024, 'a block of a large file, ');
const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');

async function upload() {
  const sent = request(url, { method: 'POST', headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': bytes } });
  const answered = once(sent, 'response');
  for (let left = bytes; left > 0; left -= block.length) {
    if (!sent.write(left < block.length ? block.subarray(0, left) : block)) await once(sent, 'drain');
  }
  sent.end();
  const [response] = await answered;
  const parts = await response.toArray();
  if (response.statusCode !== 200) throw new Error(`${response.statusCode}: ${Buffer.concat(parts)}`);
  return JSON.parse(Buffer.concat(parts)).storageId;
}

async function download() {
  const asked = request(url);
  asked.end();
  const [response] = await once(asked, 'response');
  let got = 0;
  for await (const piece of response) got += piece.length;
  if (got !== bytes) throw new Error(`${response.statusCode}: ${got} bytes of ${bytes}`);
}

for (;;) {
  const start = performance.now();
  const id = await (direction === 'up' ? upload() : download());
  say({ seconds: (performance.now() - start) / 1000, id });
}
