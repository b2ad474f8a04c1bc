// The load of `push`, while another process moves large files: how much later is the news, and what memory does it take?
// Options: those of push; bytes (of each file), direction ("up", "down", or none for the same without files), beside
// (a servers/mover.py that the files move to and from instead).
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import push from './push.mjs';

const MIB = 1048576, SAMPLED_MS = 50;
const PROGRAM = fileURLToPath(new URL('../transfer.mjs', import.meta.url));

/** The process that moves files; `done` has what it told of each. */
class Mover {
  constructor(direction, url, bytes) {
    this.done = [];
    this.process = spawn(process.execPath, [PROGRAM, direction, url, String(bytes)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: this.process.stdout });
    this.first = new Promise((resolve, reject) => {
      lines.on('line', (line) => { this.done.push(JSON.parse(line)); resolve(this.done[0]); });
      this.process.on('exit', (code) => { if (!this.ended) reject(new Error(`moving files ended with status ${code}`)); });
    });
    this.first.catch(() => {});
  }

  end() {
    this.ended = true;
    this.process.kill();
  }
}

/** The most memory that the server has while this runs. */
class Peak {
  constructor(server) {
    this.most = 0;
    this.timer = setInterval(() => { this.most = Math.max(this.most, server.memory().anonymous); }, SAMPLED_MS);
  }

  end() { clearInterval(this.timer); }
}

async function oneFile(uploadUrl, bytes) {
  const mover = new Mover('up', uploadUrl, bytes);
  const { id } = await mover.first;
  mover.end();
  return id;
}

/** Where the files go to, or where they come from. */
async function address(deployment, writer, { bytes, direction, beside }) {
  if (beside) return `${beside}/${bytes}`;
  const uploadUrl = await writer.call('files:upload_url', {});
  // A small file first, so that code which loads on demand is not charged to the large ones.
  await oneFile(uploadUrl, MIB);
  if (direction !== 'down') return uploadUrl;
  return deployment.read('files:url', { file: await oneFile(uploadUrl, bytes) });
}

export default async function transfer({ deployment, deployments, server, phase, options }) {
  const { bytes, direction } = options;
  const writer = await deployment.writer();
  const url = await address(deployment, writer, options);
  const idle = server.memory().anonymous, peak = new Peak(server);
  const mover = direction ? new Mover(direction, url, bytes) : null;
  if (mover) await mover.first;
  const figures = await push({ deployment, deployments, server, phase, options });
  mover?.end();
  peak.end();
  writer.close();
  const seconds = mover ? mover.done.reduce((sum, each) => sum + each.seconds, 0) : 0;
  return {
    ...figures, grown_mib: (peak.most - idle) / MIB,
    ...(mover && { files: mover.done.length, mib_per_second: mover.done.length * bytes / MIB / seconds }),
  };
}
