// What the page of a flow loads: its scripts and its wasm, as they come over the line.

import { request } from 'node:http';

import { launch, newestFlow, openNotes, port, report, signIn } from './sites.mjs';

/** The most that all of it may be, in KB of a thousand bytes. */
const BOUND = 130;

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
const sum = (numbers) => numbers.reduce((all, one) => all + one, 0);
const kilobytes = (bytes) => (bytes / 1000).toFixed(1);
const together = sum(inline) + sum(files.map(({ bytes }) => bytes));
// A file's name has a hash of its content, which every build changes.
const rows = files.map(({ name, bytes, encoding }) => {
  const packed = encoding === 'br' ? 'Brotli' : encoding || 'as it is';
  return `| ${name.split('.').at(-1)}, ${packed} | ${kilobytes(bytes)} KB | |`;
});
report(
  `## The page of a flow

What it loads that is run, as it comes over the line. Scripts within the page are counted as they are, because [pages
are not compressed](decisions/DR-0010-pages-are-sent-as-they-are.md).

| | | bound |
|---|---|---|
${rows.join('\n')}
| scripts within the page | ${kilobytes(sum(inline))} KB | |
| together | ${kilobytes(together)} KB | ${BOUND} KB |
`,
  [["the scripts and the wasm of a flow's page, in KB", together / 1000, { atMost: BOUND }]],
);
