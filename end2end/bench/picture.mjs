// From the moment of a step, as the site that took it recorded it, to the moment at which the lab's open
// page shows it: one tab follows a handoff that another one finishes.
//
// The handoff waits before authorize (H3) until its page is open; what comes after that is measured, as
// fast as it happens. A step is shown when the browser has drawn the frame after the picture changed.

import { launch, newestFlow, quantiles, report, signIn, sites, until } from './sites.mjs';

const RUNS = Number(process.env.RUNS ?? 20);
/** The most that 95 of 100 steps may take to the screen, in milliseconds. */
const BOUND = 200;

/**
 * In the page, before its own scripts: writes down of how many steps each event is drawn, when it came,
 * and when the browser had drawn it.
 */
function watch() {
  const now = () => performance.timeOrigin + performance.now();
  const events = [];
  const undrawn = [];
  window.watched = { events, open: false };
  const Source = window.EventSource;
  window.EventSource = class extends Source {
    constructor(address) {
      super(address);
      this.addEventListener('open', () => {
        window.watched.open = true;
      });
      // It was there before the page's own, and is told first.
      this.addEventListener('message', ({ data }) => {
        const [, steps] = /data-steps="(\d+)"/.exec(data);
        const seen = { steps: Number(steps), arrived: now(), drawn: null };
        events.push(seen);
        undrawn.push(seen);
      });
    }
  };
  new MutationObserver((changes) => {
    const inPicture = ({ target }) => {
      const element = target instanceof Element ? target : target.parentElement;
      return element?.closest('.flow-picture') !== null;
    };
    if (!changes.some(inPicture)) {
      return;
    }
    const changed = undrawn.splice(0);
    requestAnimationFrame(() => {
      // Runs once the frame is handed over.
      const drawn = new MessageChannel();
      drawn.port1.onmessage = () => {
        for (const event of changed) {
          event.drawn = now();
        }
      };
      drawn.port2.postMessage(null);
    });
  }).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
}

const browser = await launch();
const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
const actor = await context.newPage();
const viewer = await context.newPage();
await viewer.addInitScript(watch);
await signIn(actor);

const protocol = await context.newCDPSession(actor);
let waiting;
protocol.on('Fetch.requestPaused', ({ requestId }) => waiting(requestId));
await protocol.send('Fetch.enable', { patterns: [{ urlPattern: `${sites.authority}/handoff/authorize*` }] });

const arrived = [];
const drawn = [];
let before = null;
for (let run = 0; run < RUNS; run += 1) {
  await actor.bringToFront();
  await actor.goto(`${sites.authority}/`);
  const paused = new Promise((resolve) => {
    waiting = resolve;
  });
  await actor.getByRole('button', { name: 'Open Notes', exact: true }).click({ noWaitAfter: true });
  const request = await paused;
  before = await newestFlow(viewer, before);
  // What is behind another tab draws nothing.
  await viewer.bringToFront();
  await viewer.goto(before);
  await until(viewer, () => window.watched.open);
  const already = Number(await viewer.locator('#flow-outcome').getAttribute('data-steps'));
  await protocol.send('Fetch.continueRequest', { requestId: request });
  await until(viewer, () => {
    const { events } = window.watched;
    // The session has begun, and the redirect after it is drawn.
    const isOver = document.querySelector('#flow-outcome[data-over]') !== null;
    const last = document.querySelector('.flow-text li:last-child')?.textContent ?? '';
    return isOver && last.includes(': 303 to /,') && events.every(({ drawn }) => drawn !== null);
  });
  const events = await viewer.evaluate(() => window.watched.events);
  const file = await viewer.evaluate(async (address) => (await fetch(address)).json(), `${before}/export.json`);
  const live = await viewer.locator('.flow-message').count();
  await viewer.reload();
  const whole = await viewer.locator('.flow-message').count();
  if (live !== whole) {
    throw new Error(`the picture has ${live} messages, and ${whole} when it is loaded again`);
  }
  // A step is shown by the first event that is drawn of as many steps.
  for (const [index, { at }] of file.events.entries()) {
    const event = events.find(({ steps }) => steps > index);
    if (index >= already && event !== undefined) {
      arrived.push(event.arrived - at / 1000);
      drawn.push(event.drawn - at / 1000);
    }
  }
  await actor.waitForURL(`${sites.notes}/`);
}
await browser.close();
const milliseconds = (values) => quantiles(values).map((value) => value.toFixed(0));
const [arrived50, arrived95] = milliseconds(arrived);
const [drawn50, drawn95] = milliseconds(drawn);
report(
  `## From a step to its picture

From the moment at which a site takes a step to the frame in which the lab's page of the handoff shows it, in Chromium:
${drawn.length} steps of ${RUNS} handoffs, each from authorize on, as fast as they happen.

| | p50 | p95 | bound |
|---|---|---|---|
| the step is in the browser | ${arrived50} ms | ${arrived95} ms | |
| the step is in the picture | ${drawn50} ms | ${drawn95} ms | p95 ${BOUND} ms |
`,
  [['from a step to its picture, in ms', quantiles(drawn)[1], { atMost: BOUND }]],
);
