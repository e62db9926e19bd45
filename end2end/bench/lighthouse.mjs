// Lighthouse's four scores (mobile, simulated slow network) of sign-in, portal and Notes, and of the lab's
// pages of a flow that is over and of how handoffs go. The browser is already signed in, as a person's is.

import { createServer } from 'node:net';

import { chromium } from '@playwright/test';
import lighthouse from 'lighthouse';

import { launch, newestFlow, openNotes, report, signIn, sites, until } from './sites.mjs';

const CATEGORIES = ['performance', 'accessibility', 'best-practices', 'seo'];

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function scores(port, address) {
  const result = await lighthouse(address, {
    port,
    logLevel: 'error',
    onlyCategories: CATEGORIES,
    // Or it would throw the cookies away, and measure the sign-in page three times.
    disableStorageReset: true,
  });
  const { categories, audits, finalDisplayedUrl, lighthouseVersion } = result.lhr;
  const lost = Object.values(categories).flatMap(({ auditRefs }) =>
    auditRefs
      .filter(({ id, weight }) => weight > 0 && audits[id].score !== null && audits[id].score < 1)
      .map(({ id }) => `${id} ${audits[id].score}: ${audits[id].displayValue ?? audits[id].title}`),
  );
  return {
    version: lighthouseVersion,
    address: finalDisplayedUrl,
    scores: CATEGORIES.map((name) => Math.round(categories[name].score * 100)),
    lost,
  };
}

const port = await freePort();
const browser = await launch([`--remote-debugging-port=${port}`]);
// Lighthouse opens its pages in the browser's own context, so the cookies must be there.
const connected = await chromium.connectOverCDP(`http://127.0.0.1:${port}`);
const page = await connected.contexts()[0].newPage();

const pages = [];
pages.push({ name: 'Sign-in', ...(await scores(port, `${sites.authority}/login`)) });
await signIn(page);
pages.push({ name: 'Portal', ...(await scores(port, `${sites.authority}/`)) });
await openNotes(page);
pages.push({ name: 'Notes', ...(await scores(port, `${sites.notes}/`)) });
pages.push({ name: 'Monitor', ...(await scores(port, `${sites.lab}/monitor`)) });
const flow = await newestFlow(page, null);
await page.goto(flow);
// It is followed for a minute after its last step.
await until(page, async () => !(await (await fetch(location.href)).text()).includes('/events?after='), null, {
  every: 1_000,
  within: 120_000,
});
pages.push({ name: 'A flow', ...(await scores(port, flow)) });
await browser.close();
for (const { name, lost } of pages) {
  // Standard output has the report alone.
  lost.forEach((audit) => console.error(`  ${name}: ${audit}`));
}
const bounds = [];
const rows = pages.map(({ name, address, scores }) => {
  const { hostname, pathname } = new URL(address);
  const bound = hostname.startsWith('lab.') ? 95 : 100;
  CATEGORIES.forEach((category, index) => {
    bounds.push([`Lighthouse, ${name}, ${category}`, scores[index], { atLeast: bound }]);
  });
  // Each run has a flow of its own.
  return `| ${name} (\`${pathname.replace(/^\/flows\/.+/, '/flows/…')}\`) | ${scores.join(' | ')} | ${bound} |`;
});
report(
  `## Lighthouse

Lighthouse ${pages[0].version}, mobile, with its simulated slow phone and network.

| | ${CATEGORIES.join(' | ')} | bound |
|---|${'---|'.repeat(CATEGORIES.length)}---|
${rows.join('\n')}
`,
  bounds,
);
