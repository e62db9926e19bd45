// What the page of a flow loads: its scripts and its wasm, as they come over the line.

import { request } from 'node:http';

import { launch, newestFlow, openNotes, port, signIn, sites } from './sites.mjs';

/** The bytes of a file as a browser that knows Brotli gets it, and how they are packed. */
async function onTheLine(address) {
  const { host, pathname, search } = new URL(address);
  return new Promise((resolve, reject) => {
    const headers = { host, 'accept-encoding': 'br' };
    // Node does not resolve *.localhost.
    request({ host: '127.0.0.1', port, path: pathname + search, headers }, (response) => {
      let bytes = 0;
      response.on('data', (data) => {
        bytes += data.length;
      });
      response.on('end', () => {
        if (response.statusCode !== 200) {
          reject(new Error(`${address} is answered ${response.statusCode}`));
        }
        resolve({ bytes, encoding: response.headers['content-encoding'] ?? '' });
      });
    })
      .on('error', reject)
      .end();
  });
}

const browser = await launch();
const page = await (await browser.newContext()).newPage();
await signIn(page);
await openNotes(page);
const flow = await newestFlow(page, null);
const loaded = new Set();
page.on('response', (response) => {
  const type = response.headers()['content-type'] ?? '';
  if (/javascript|wasm/.test(type)) {
    loaded.add(response.url());
  }
});
await page.goto(flow);
// The island has come alive, so everything is there.
await page.locator('.flow-controls').waitFor();
const inline = await page.evaluate(() => {
  const scripts = [...document.querySelectorAll('script:not([src])')];
  return scripts.map((script) => new TextEncoder().encode(script.textContent).length);
});
await browser.close();

const files = [];
for (const address of loaded) {
  files.push({ name: new URL(address).pathname, ...(await onTheLine(address)) });
}
if (!files.some(({ name }) => name.endsWith('.wasm'))) {
  throw new Error(`no wasm among ${JSON.stringify(files)}`);
}
console.log(JSON.stringify({ site: sites.lab, files, inline: inline.reduce((sum, bytes) => sum + bytes, 0) }));
