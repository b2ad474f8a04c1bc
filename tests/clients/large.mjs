// A result so large that it comes in chunks; the socket's messages are counted on the way in.
import { ConvexClient } from 'convex/browser';
import { anyApi as api } from 'convex/server';
import WebSocket from 'ws';
import { options, tell, url } from './stage.mjs';

const kinds = {};
class Counting extends WebSocket {
  constructor(...parts) {
    super(...parts);
    this.on('message', (data) => {
      const kind = data.toString('latin1').match(/"type":"(\w+)"/)[1];
      kinds[kind] = (kinds[kind] ?? 0) + 1;
      tell('message', { kind, length: data.length });
    });
  }
}

const client = new ConvexClient(url, { webSocketConstructor: Counting });
const { book, pages, letter, size } = options;
let next, arrival;
const expect = () => (arrival = new Promise((resolve) => (next = resolve)));
expect();
client.onUpdate(api.books.read, { book }, (texts) => {
  tell('book', { pages: texts.length, letters: texts.reduce((n, text) => n + text.length, 0), pure: texts.every((t) => !t.replaceAll(letter, '')) });
  if (texts.length === pages) next();
});
await arrival;
expect();
await client.mutation(api.books.write_page, { book, number: 0, letter, size: size + 1 });
await arrival;
tell('done', { kinds });
await client.close();
