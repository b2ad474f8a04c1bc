// What the kernel says of the server's processes (Linux /proc): CPU time and memory.
import { readFileSync, readdirSync } from 'node:fs';

function parents() {
  const children = new Map();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = read(`/proc/${entry}/stat`);
    if (!stat) continue;
    // The command name may hold spaces and brackets, so the fields are counted from its last bracket.
    const parent = +stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
    if (!children.has(parent)) children.set(parent, []);
    children.get(parent).push(+entry);
  }
  return children;
}

/** The process and everything it started. */
function tree(root) {
  const children = parents(), found = [], todo = [root];
  while (todo.length) {
    const pid = todo.pop();
    found.push(pid);
    todo.push(...(children.get(pid) ?? []));
  }
  return found;
}

/** A process may end between being listed and being read: then it has nothing more to say. */
function read(path) {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(error.code)) return '';
    throw error;
  }
}

/** The processes that the harness started, and what those started; none stands for "no figures wanted" and reads as zero. */
export class ServerProcess {
  constructor(pids) {
    this.pids = pids.flatMap(tree);
  }

  /** CPU seconds of all threads so far, from the scheduler's nanoseconds (the usual 10 ms ticks hide single writes). */
  cpuSeconds() {
    let nanoseconds = 0;
    for (const pid of this.pids) for (const task of readdirSync(`/proc/${pid}/task`)) {
      nanoseconds += +(read(`/proc/${pid}/task/${task}/schedstat`).split(' ')[0] || 0);
    }
    return nanoseconds / 1e9;
  }

  /** Bytes: `pss` counts shared pages by their share, `anonymous` leaves mapped files out, `rss` counts everything. */
  memory() {
    const total = { pss: 0, rss: 0, anonymous: 0 };
    for (const pid of this.pids) {
      const rollup = read(`/proc/${pid}/smaps_rollup`);
      for (const [name, label] of [['pss', 'Pss'], ['rss', 'Rss'], ['anonymous', 'Anonymous']]) {
        total[name] += +(new RegExp(`^${label}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? 0) * 1024;
      }
    }
    return total;
  }
}

export function ownCpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
