// A WebSocket client that does only what the load needs, at a fraction of a library's cost: with a thousand receivers
// in one process the generator would else be the slower side, and its own time would pass for the server's.
import { randomBytes } from 'node:crypto';
import net from 'node:net';

const TEXT = 1, CLOSE = 8, PING = 9, PONG = 10;
// All sockets read into one buffer: a read is handled to its end before the next one happens.
const landing = Buffer.allocUnsafeSlow(256 * 1024);
const HEAD_END = Buffer.from('\r\n\r\n');

/** The length of a frame's header and payload, or null while the header is incomplete. */
function measure(bytes, at) {
  const left = bytes.length - at;
  if (left < 2) return null;
  const short = bytes[at + 1] & 127;
  if (short < 126) return { head: 2, payload: short };
  if (short === 126) return left < 4 ? null : { head: 4, payload: bytes.readUInt16BE(at + 2) };
  return left < 10 ? null : { head: 10, payload: Number(bytes.readBigUInt64BE(at + 2)) };
}

/** A client's frame must be masked; a mask of zeros keeps to that and leaves the payload as it is. */
function frame(opcode, payload) {
  const length = payload.length, extra = length < 126 ? 0 : length < 65536 ? 2 : 8;
  const bytes = Buffer.alloc(6 + extra + length);
  bytes[0] = 0x80 | opcode;
  bytes[1] = 0x80 | (extra === 0 ? length : extra === 2 ? 126 : 127);
  if (extra === 2) bytes.writeUInt16BE(length, 2);
  if (extra === 8) bytes.writeBigUInt64BE(BigInt(length), 2);
  payload.copy(bytes, 6 + extra);
  return bytes;
}

/** The bytes given to onMessage are valid during the call only. onClose(reason) is called once, when the server ends it. */
export class FrameSocket {
  #socket;
  #partial = null;      // a frame that has begun to arrive, at its full size
  #filled = 0;
  #stub = null;         // the first bytes of a frame's header
  #open = false;
  #ended = false;
  onClose = () => {};

  /** Resolves when the handshake is done. */
  static open(url, onMessage) {
    const { hostname, port, pathname, host } = new URL(url), made = new FrameSocket();
    made.onMessage = onMessage;
    return new Promise((resolve, reject) => {
      made.onOpen = resolve;
      made.onRefused = reject;
      const callback = (size, buffer) => { made.#take(buffer.subarray(0, size)); return true; };
      const socket = net.connect({ host: hostname, port, noDelay: true, onread: { buffer: landing, callback } });
      socket.on('error', (error) => made.#end(error.message));
      socket.on('close', () => made.#end('the connection was closed'));
      const key = randomBytes(16).toString('base64');
      socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`
        + `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`);
      made.#socket = socket;
    });
  }

  send(text) {
    this.#socket.write(frame(TEXT, Buffer.from(text)));
  }

  /** Drop the connection without a word, as a client that crashes does. */
  terminate() {
    this.#ended = true;
    this.#socket.destroy();
  }

  #end(reason) {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.destroy();
    if (this.#open) this.onClose(reason); else this.onRefused(new Error(`no WebSocket: ${reason}`));
  }

  #take(chunk) {
    if (this.#stub) {
      chunk = Buffer.concat([this.#stub, chunk]);
      this.#stub = null;
    }
    let at = this.#open ? 0 : this.#shakeHands(chunk);
    while (at < chunk.length && !this.#ended) at = this.#partial ? this.#fill(chunk, at) : this.#next(chunk, at);
  }

  #shakeHands(chunk) {
    const end = chunk.indexOf(HEAD_END);
    if (end < 0) return this.#keep(chunk, 0);
    const status = chunk.toString('latin1', 0, chunk.indexOf('\r\n'));
    if (!status.includes(' 101 ')) {
      this.#end(`the server answered ${status}`);
      return chunk.length;
    }
    this.#open = true;
    this.onOpen(this);
    return end + HEAD_END.length;
  }

  #keep(chunk, at) {
    this.#stub = Buffer.from(chunk.subarray(at));
    return chunk.length;
  }

  /** The frame that begins here: delivered from where it lies if it is all there. */
  #next(chunk, at) {
    const size = measure(chunk, at);
    if (size === null) return this.#keep(chunk, at);
    const end = at + size.head + size.payload;
    if (end <= chunk.length) {
      this.#deliver(chunk[at], chunk.subarray(at + size.head, end));
      return end;
    }
    this.#partial = { first: chunk[at], payload: Buffer.allocUnsafe(size.payload) };
    this.#filled = chunk.copy(this.#partial.payload, 0, at + size.head);
    return chunk.length;
  }

  #fill(chunk, at) {
    const { first, payload } = this.#partial, copied = chunk.copy(payload, this.#filled, at);
    this.#filled += copied;
    if (this.#filled === payload.length) {
      this.#partial = null;
      this.#deliver(first, payload);
    }
    return at + copied;
  }

  #deliver(first, payload) {
    if (first === (0x80 | TEXT)) this.onMessage(payload);
    else if (first === (0x80 | PING)) this.#socket.write(frame(PONG, payload));
    else if (first === (0x80 | CLOSE)) this.#end(`close ${payload.length ? payload.readUInt16BE(0) : ''} ${payload.subarray(2)}`);
    else if (first !== (0x80 | PONG)) this.#end(`a frame that begins with ${first.toString(16)}, which no server here should send`);
  }
}
