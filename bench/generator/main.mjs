// The load generator: one workload against a running server, or several that share their data, started by the harness as
//   node generator/main.mjs '{"workload":"push","urls":["http://127.0.0.1:3210"],"pids":[123],...options}'
// Speaks JSON lines on standard output: {"event":"measuring"}, {"event":"measured"} around the part that counts,
// and {"event":"result","figures":{...}} at the end. Milliseconds, bytes and per-second rates throughout.
import { Deployment } from './clients.mjs';
import { ServerProcess } from './process.mjs';

// Standard output belongs to the harness; what the official client logs goes where complaints go.
for (const level of ['log', 'info', 'debug']) console[level] = console.error;

const options = JSON.parse(process.argv[2]);
const say = (event, more = {}) => process.stdout.write(JSON.stringify({ event, ...more }) + '\n');
const phase = { begin: () => say('measuring'), end: () => say('measured') };

// A server that never answers ends the run here, and with words, rather than somewhere above.
setTimeout(() => {
  process.stderr.write(`gave up after ${options.patience} s\n`);
  process.exit(3);
}, options.patience * 1000).unref();

const { default: run } = await import(`./workloads/${options.workload}.mjs`);
const deployments = options.urls.map((url) => new Deployment(url)), [deployment] = deployments;
const figures = await run({ deployment, deployments, server: new ServerProcess(options.pids), phase, options });
say('result', { figures });
for (const each of deployments) await each.close();
process.exit(0);
