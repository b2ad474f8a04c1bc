// Files as the documents of npm `convex` show them: an upload URL from a mutation, fetch, and the id into a document.
import { ConvexClient, ConvexHttpClient } from 'convex/browser';
import { anyApi as api } from 'convex/server';
import { tell, url } from './stage.mjs';

const http = new ConvexHttpClient(url);
const client = new ConvexClient(url);

client.onUpdate(api.pictures.captions, {}, (pictures) => tell('captions', { pictures }));

const picture = new Blob([new Uint8Array(300_000).map((_, at) => at % 251)], { type: 'image/png' });
const postUrl = await client.mutation(api.pictures.uploadUrl, {});
const answer = await fetch(postUrl, { method: 'POST', headers: { 'Content-Type': picture.type }, body: picture });
const { storageId } = await answer.json();
await client.mutation(api.pictures.add, { caption: 'From fetch', file: storageId });
tell('uploaded', { status: answer.status, storageId });

const address = await http.query(api.pictures.url, { file: storageId });
const shown = await fetch(address);
const blob = await shown.blob();
const same = Buffer.from(await blob.arrayBuffer()).equals(Buffer.from(await picture.arrayBuffer()));
tell('shown', { status: shown.status, type: blob.type, size: blob.size, same });

const part = await fetch(address, { headers: { Range: 'bytes=251-255' } });
tell('part', { status: part.status, bytes: [...new Uint8Array(await part.arrayBuffer())] });

// A body that is a stream has no length that anybody could know before.
const stream = new Blob(['streamed ', 'text']).stream();
const streamed = await fetch(postUrl, { method: 'POST', body: stream, duplex: 'half' });
const { storageId: second } = await streamed.json();
tell('streamed', { metadata: await http.query(api.pictures.metadata, { file: second }) });

await client.mutation(api.pictures.delete, { file: storageId });
tell('deleted', { status: (await fetch(address)).status, url: await http.query(api.pictures.url, { file: storageId }) });
await client.close();
