// What every script of this folder stands on: the server's URL and the options from the command line, events to the
// test as JSON lines on standard output, and orders from it as JSON lines on standard input.
import { createInterface } from 'node:readline';

export const url = process.argv[2];
export const options = JSON.parse(process.argv[3] ?? '{}');

export const tell = (event, fields = {}) => process.stdout.write(JSON.stringify({ event, ...fields }) + '\n');

// Clients print log lines of functions and their own complaints to the console; standard output is ours.
for (const level of ['log', 'info', 'warn', 'error', 'debug']) {
  console[level] = (...parts) => tell('console', { level, text: parts.map(String).join(' ') });
}

// End the program, but not before what was told is out: a pipe may be full, and an exit throws away what waits.
export const leave = (code = 0) => new Promise(() => process.stdout.write('', () => process.exit(code)));

const fail = (error) => {
  tell('failed', { error: String(error?.stack ?? error) });
  leave(1);
};
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

// Give orders one by one: `for await (const order of orders()) ...`.
export async function* orders() {
  try {
    for await (const line of createInterface({ input: process.stdin })) yield JSON.parse(line);
  } finally {
    process.stdin.destroy(); // an open standard input would keep the program alive
  }
}

// What a caller sees of an error: its class, message and data.
export const described = (error) => ({ name: error.constructor.name, message: error.message, data: error.data ?? null });

// Run `attempt` and give the description of the error that it must end in.
export async function refusal(attempt) {
  try {
    await attempt();
  } catch (error) {
    return described(error);
  }
  throw new Error('an error was expected');
}
