// Clients of a server that speaks the Convex sync protocol. The official one measures what an application sees;
// the raw ones cost this process as little as possible, so that a thousand of them fit on one core.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { ConvexClient } from 'convex/browser';
import { anyApi } from 'convex/server';
import { Pool } from 'undici';
import { WebSocket } from 'ws';
import { pooled } from './numbers.mjs';
import { FrameSocket } from './socket.mjs';

const require = createRequire(import.meta.url);
const clientVersion = JSON.parse(readFileSync(require.resolve('convex/package.json'), 'utf8')).version;
const syncPath = `/api/${clientVersion}/sync`;
const LIVE_WITHIN_MS = 120_000;
const CONNECT_AT_ONCE = 20;
const CHUNK = Buffer.from('"TransitionChunk"'), RESPONSE = Buffer.from('"MutationResponse"');

function connectMessage() {
  return JSON.stringify({ type: 'Connect', sessionId: randomUUID(), connectionCount: 0, lastCloseReason: 'InitialConnect', clientTs: Date.now() });
}

/** The server's sign of life after a while without news. */
function isPing(data) {
  return data.length < 64 && data.indexOf('"Ping"') >= 0;
}

/** Puts the parts of a large Transition together; other messages pass as they are. */
class Chunks {
  #parts = [];

  /** The whole message, or null while parts are missing. */
  whole(data) {
    if (data.indexOf(CHUNK) < 0) return data;
    const { chunk, partNumber, totalParts } = JSON.parse(data);
    this.#parts[partNumber] = chunk;
    if (partNumber + 1 < totalParts) return null;
    const text = this.#parts.join('');
    this.#parts = [];
    return Buffer.from(text);
  }
}

/** A deployment under test, at http://host:port. */
export class Deployment {
  #url;
  #http;

  constructor(url) {
    this.#url = url.replace(/\/$/, '');
  }

  #socketUrl() {
    return this.#url.replace(/^http/, 'ws') + syncPath;
  }

  /**
   * Raw subscriber: one connection with one live query for each of `args`. onPush(buffer) gets every Transition
   * after the first results, as bytes. Resolves when all queries have a result.
   */
  async subscribe(path, args, onPush) {
    const waiting = new Set(args.keys()), chunks = new Chunks();
    let ready, failed;
    const live = new Promise((resolve, reject) => { ready = resolve; failed = reject; });
    const first = (data) => {
      const message = JSON.parse(data);
      if (message.type === 'FatalError' || message.type === 'AuthError') failed(new Error(data.toString()));
      for (const change of message.modifications ?? []) {
        if (change.type === 'QueryFailed') failed(new Error(`${path}: ${change.errorMessage}`));
        waiting.delete(change.queryId);
      }
      if (!waiting.size) ready();
    };
    const socket = await FrameSocket.open(this.#socketUrl(), (data) => {
      const whole = chunks.whole(data);
      if (whole === null || isPing(whole)) return;
      if (waiting.size) first(whole); else onPush(whole);
    });
    const timer = setTimeout(() => failed(new Error(`${path}: no result within ${LIVE_WITHIN_MS / 1000} s`)), LIVE_WITHIN_MS);
    socket.onClose = (reason) => failed(new Error(`${path}: ${reason}`));
    socket.send(connectMessage());
    socket.send(JSON.stringify({ type: 'ModifyQuerySet', baseVersion: 0, newVersion: 1,
      modifications: args.map((arg, queryId) => ({ type: 'Add', queryId, udfPath: path, args: [arg] })) }));
    await live.finally(() => clearTimeout(timer));
    return { close: () => socket.terminate() };
  }

  /** Many raw subscribers, opened a few at a time: `queries(i)` gives the arguments of the i-th, `onPush(buffer, i)` its news. */
  subscribers(count, path, queries, onPush = () => {}) {
    return pooled(Array.from({ length: count }), CONNECT_AT_ONCE, (_, i) => this.subscribe(path, queries(i), (data) => onPush(data, i)));
  }

  /** The official client, as an application uses it: onValue(value) for every new value, after the first one. */
  watch(path, args, onValue) {
    const client = new ConvexClient(this.#url, { webSocketConstructor: WebSocket, skipConvexDeploymentUrlCheck: true, unsavedChangesWarning: false });
    const [module, name] = path.split(':');
    return new Promise((resolve, reject) => {
      let live = false;
      client.onUpdate(anyApi[module][name], args, (value) => {
        if (live) return onValue(value);
        live = true;
        resolve({ close: () => client.close() });
      }, reject);
    });
  }

  /** One value of one query. */
  async read(path, args) {
    let value;
    const socket = await FrameSocket.open(this.#socketUrl(), (data) => {
      const message = JSON.parse(data), change = message.modifications?.[0];
      if (message.type === 'FatalError') value.reject(new Error(message.error));
      else if (change?.type === 'QueryUpdated') value.resolve(change.value);
      else if (change) value.reject(new Error(change.errorMessage));
    });
    try {
      return await new Promise((resolve, reject) => {
        value = { resolve, reject };
        socket.send(connectMessage());
        socket.send(JSON.stringify({ type: 'ModifyQuerySet', baseVersion: 0, newVersion: 1,
          modifications: [{ type: 'Add', queryId: 0, udfPath: path, args: [args] }] }));
      });
    } finally {
      socket.terminate();
    }
  }

  /** A socket for mutations: call(path, args) resolves with the result when the server has answered. */
  async writer() {
    const open = new Map();
    let requests = 0;
    const socket = await FrameSocket.open(this.#socketUrl(), (data) => {
      if (data.indexOf(RESPONSE) < 0) return;
      const answer = JSON.parse(data), call = open.get(answer.requestId);
      if (!call) return;
      open.delete(answer.requestId);
      if (answer.success) call.resolve(answer.result); else call.reject(new Error(String(answer.result)));
    });
    socket.onClose = (reason) => { for (const call of open.values()) call.reject(new Error(reason)); };
    socket.send(connectMessage());
    return {
      call: (path, args) => new Promise((resolve, reject) => {
        const requestId = requests++;
        open.set(requestId, { resolve, reject });
        socket.send(JSON.stringify({ type: 'Mutation', requestId, udfPath: path, args: [args] }));
      }),
      close: () => socket.terminate(),
    };
  }

  /** Mutations over POST /api/mutation, each writer on a kept-alive connection of its own. */
  httpWriter(connections) {
    this.#http ??= new Pool(this.#url, { connections, pipelining: 1, keepAliveTimeout: 60_000 });
    const headers = { 'content-type': 'application/json' };
    return {
      call: async (path, args) => {
        const body = JSON.stringify({ path, args, format: 'json' });
        const answer = await this.#http.request({ method: 'POST', path: '/api/mutation', headers, body });
        const text = await answer.body.text();
        if (answer.statusCode !== 200 || !text.includes('"success"')) throw new Error(`HTTP ${answer.statusCode} ${text.slice(0, 300)}`);
      },
      close: () => {},
    };
  }

  async close() {
    await this.#http?.destroy();
  }
}
