// The page of a project that `reactor init` made, in a window without a browser: tells what it shows whenever that
// changes, and types what it is told. Options: folder, the project; kind, its template.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { JSDOM } from 'jsdom';
import NodeSocket from 'ws';
import { options, orders, tell, url, leave } from './stage.mjs';

// To a browser, a connection that fails is one that closes.
class WebSocket extends NodeSocket {
  constructor(...places) {
    super(...places);
    this.on('error', () => {});
  }
}

const html = readFileSync(join(options.folder, 'web', 'index.html'), 'utf8');
const { window } = new JSDOM(html, { url, pretendToBeVisual: true });
const { document, location, localStorage } = window;
Object.assign(globalThis, { window, document, location, localStorage, WebSocket });
globalThis.navigator ??= window.navigator; // Node has one of its own since version 21

const text = (selector) => document.querySelector(selector)?.textContent ?? '';
const look = () =>
  tell('shown', {
    channel: text('#channel'),
    texts: [...document.querySelectorAll('#messages p')].map((each) => each.textContent),
    mine: [...document.querySelectorAll('#messages .mine p')].map((each) => each.textContent),
    live: document.querySelector('#state.live') !== null,
    hint: document.querySelector('.hint:not([hidden])') !== null,
    problem: text('#problem').trim(),
  });
const observed = { childList: true, subtree: true, characterData: true, attributes: true };
new window.MutationObserver(look).observe(document, observed);

// The minimal page runs as it is; that of React is put together as Vite does it, without its styles.
const bundled = () => {
  const out = join(mkdtempSync(join(tmpdir(), 'page-')), 'main.mjs');
  const packages = [new URL('node_modules', import.meta.url).pathname];
  buildSync({
    entryPoints: [join(options.folder, 'web', 'main.tsx')],
    ...{ bundle: true, outfile: out, format: 'esm', jsx: 'automatic', loader: { '.css': 'empty' }, nodePaths: packages },
  });
  return out;
};
if (options.kind === 'react') {
  const file = bundled();
  await import(pathToFileURL(file));
  rmSync(dirname(file), { recursive: true });
} else {
  await import(pathToFileURL(join(options.folder, 'web', 'main.js')));
}

// As a person types: React looks at the value that the element itself has.
const { set } = Object.getOwnPropertyDescriptor(window.HTMLInputElement.prototype, 'value');
const type = (name, value) => {
  const input = document.querySelector(`[name=${name}]`);
  set.call(input, value);
  input.dispatchEvent(new window.Event('input', { bubbles: true }));
};

const press = (text) => [...document.querySelectorAll('button')].find((each) => each.textContent === text).click();

for await (const { author, text, button = 'Send', channel } of orders()) {
  if (channel !== undefined) {
    location.hash = channel;
    continue;
  }
  if (text === undefined) {
    press(button);
    continue;
  }
  type('author', author);
  type('text', text);
  // React renders before the next event of a person, too.
  await new Promise((done) => setImmediate(done));
  press(button);
}
await leave();
