// From the click on *Open Notes* to painted Notes, beside a plain 303 between the same hosts.
//
// Both times are the first contentful paint of the page that the browser arrives at, and begin when the
// navigation begins: browsers count the redirects before a page into its time, also those of other
// sites. That they do is checked here, by a redirect that waits.

import { createServer } from 'node:http';

import { launch, quantiles, report, signIn, sites } from './sites.mjs';

const RUNS = Number(process.env.RUNS ?? 20);
/** Runs before those that count: the first has an empty cache and a cold server. */
const WARM_UP = 3;
const DELAY = 300;
/** The most that half of the runs may take, in milliseconds. */
const BOUND = 150;
/** The most that it may take beside a plain redirect to the same page. */
const RATIO = 1.25;

/** Waits for the paint of the page that stands there now, in milliseconds. */
async function painted(page) {
  return page.evaluate(
    () =>
      new Promise((resolve) => {
        new PerformanceObserver((list, observer) => {
          const [paint] = list.getEntriesByName('first-contentful-paint');
          if (paint) {
            observer.disconnect();
            resolve(paint.startTime);
          }
        }).observe({ type: 'paint', buffered: true });
      }),
  );
}

/** Clicks the button, waits until the browser is at the address, and tells when that was painted. */
async function time(page, button, address) {
  await page.getByRole('button', { name: button, exact: true }).click({ noWaitAfter: true });
  await page.waitForURL(address, { waitUntil: 'load' });
  return painted(page);
}

/** A form at one host whose post is answered by a redirect to the same bytes at another. */
async function plainRedirect(html, stylesheet) {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://host');
    const here = request.headers.host;
    const there = here.replace('auth.', 'notes.');
    if (request.method === 'POST') {
      const answer = () => {
        response.writeHead(303, { location: `http://${there}/` }).end();
      };
      request.resume().on('end', () => setTimeout(answer, Number(searchParams.get('delay'))));
    } else if (pathname.startsWith('/assets/')) {
      response
        .writeHead(200, { 'content-type': 'text/css', 'cache-control': 'max-age=31536000, immutable' })
        .end(stylesheet);
    } else if (here.startsWith('auth.')) {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
      response.end(
        `<!DOCTYPE html><form method="post"><button>Go</button></form>
         <form method="post" action="/?delay=${DELAY}"><button>Go later</button></form>`,
      );
    } else {
      response
        .writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
        .end(html);
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  return {
    authority: `http://auth.localhost:${port}/`,
    notes: `http://notes.localhost:${port}/`,
    close: () => server.close(),
  };
}

const browser = await launch();
const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
await signIn(page);
await time(page, 'Open Notes', `${sites.notes}/`);
const html = await page.content();
// Not by Node, which does not resolve *.localhost.
const stylesheet = await page
  .locator('link[rel=stylesheet]')
  .evaluate(async (link) => (await fetch(link.href)).text());
const plain = await plainRedirect(html, stylesheet);

await page.goto(plain.authority);
const later = await time(page, 'Go later', plain.notes);
if (later < DELAY) {
  throw new Error(`a redirect that waits ${DELAY} ms took ${later} ms: the browser does not count redirects`);
}

const handoff = [];
const reference = [];
for (let run = -WARM_UP; run < RUNS; run += 1) {
  // Turn and turn about, so that whatever else the machine does disturbs both alike.
  await page.goto(`${sites.authority}/`);
  const one = await time(page, 'Open Notes', `${sites.notes}/`);
  await page.goto(plain.authority);
  const other = await time(page, 'Go', plain.notes);
  if (run >= 0) {
    handoff.push(one);
    reference.push(other);
  }
}
plain.close();
await browser.close();
const milliseconds = (values) => quantiles(values).map((value) => value.toFixed(0));
const [p50, p95] = milliseconds(handoff);
const [reference50, reference95] = milliseconds(reference);
const ratios = handoff.map((one, run) => one / reference[run]);
const [ratio50, ratio95] = quantiles(ratios);
report(
  `## Open App

From the click on *Open Notes* to the first contentful paint of Notes, in Chromium, ${RUNS} runs. In between lie four
redirects over two sites, the call from server to server, and a new session on disk. The reference is one 303 between
the same hosts, from a server that does nothing else, to a page of the same bytes.

| | p50 | p95 | bound |
|---|---|---|---|
| *Open Notes* to painted Notes | ${p50} ms | ${p95} ms | p50 ${BOUND} ms |
| a plain 303 to the same page | ${reference50} ms | ${reference95} ms | |
| the first is so many times the second, of each pair | ${ratio50.toFixed(2)} | ${ratio95.toFixed(2)} | p50 ${RATIO} |
`,
  [
    ['Open Notes to painted Notes, in ms', quantiles(handoff)[0], { atMost: BOUND }],
    ['Open Notes to painted Notes beside a plain redirect', ratio50, { atMost: RATIO }],
  ],
);
