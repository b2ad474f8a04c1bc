// Shows a page written in JSX in a window without a browser, and presses its button once: node page.mjs FILE
import { readFileSync, writeFileSync } from 'node:fs';
import { transformSync } from 'esbuild';
import { JSDOM } from 'jsdom';
import WebSocket from 'ws';

const { window } = new JSDOM('<!doctype html><div id="root"></div>', { url: 'http://localhost/', pretendToBeVisual: true });
const { document } = window;
Object.assign(globalThis, { window, document, WebSocket });
globalThis.navigator ??= window.navigator; // Node has one of its own since version 21

const { code } = transformSync(readFileSync(process.argv[2], 'utf8'), { loader: 'jsx', jsx: 'automatic' });
writeFileSync('main.mjs', code);
await import('./main.mjs');

// Resolves as soon as `there` gives something.
const shown = (there) =>
  new Promise((done) => {
    const look = () => there() && (observer.disconnect(), done(there()));
    const observer = new window.MutationObserver(look);
    observer.observe(document, { childList: true, subtree: true, characterData: true });
    look();
  });

const button = await shown(() => document.querySelector('button'));
button.click();
await shown(() => document.querySelector('ul').textContent.includes('Hello from a page'));
console.log('pressed', document.querySelector('ul').textContent);
