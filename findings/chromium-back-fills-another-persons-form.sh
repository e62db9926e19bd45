#!/usr/bin/env bash
#
# Finding: Chromium gives unsent text back into a form by the form's action and
# the names of its first two controls. Whose page it is does not matter.
#
# Source:  Chromium 153.0.8010.0 as npm's @sparticuz/chromium 153.0.0 has it,
#          driven by playwright-core 1.65.1.
# Date:    2026-11-29
#
# What one would guess
#   Somebody types into a form, does not send it, and leaves. Somebody else
#   signs in in the same tab and goes Back. The answer has Cache-Control:
#   no-store, so the browser asks the server and gets a new page for the second
#   person: another heading, another hidden owner, another CSRF token. One would
#   expect an empty field, because it is another document.
#
# What happens
#   The text of the first person stands in the second person's form. The history
#   entry keeps what was typed, and the new document's form takes it when its
#   action and the names of its first two controls are those of the old form.
#   Hidden values are not compared, and neither are the names of later controls.
#   A control whose *name* differs, among the first two, keeps the text out; the
#   same person still gets it back.
#
# How it is checked
#   A server on a free local port serves four forms, each to "alice", who types,
#   and after Back to "alice" or to "bob": without anything of the person's own;
#   with a hidden value of the person's own; with a control whose name is of the
#   person's own, in front of the others; with such a control behind two others.
#
# Needs:   bash, Node 20 or newer, npm, and the libraries that Chromium needs.
# Exit:    0 the behaviour is as described; 1 it has changed;
#          2 the packages could not be installed or the browser did not start.

set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >package.json <<'JSON'
{
  "private": true,
  "type": "module",
  "dependencies": { "@sparticuz/chromium": "153.0.0", "playwright-core": "1.65.1" }
}
JSON

cat >back.mjs <<'JS'
import http from 'node:http';

import sparticuz from '@sparticuz/chromium';
import { chromium } from 'playwright-core';

let person = '';
let form = '';
const controls = {
  'nothing of their own': () => '',
  'a hidden value': () =>
    `<input type="hidden" name="owner" value="${person}"><input type="hidden" name="csrf" value="${Math.random()}">`,
  'a name, first': () => `<input type="hidden" name="of-${person}"><input type="hidden" name="csrf">`,
  'a name, third': () =>
    `<input type="hidden" name="a"><input type="hidden" name="b"><input type="hidden" name="of-${person}">`,
};

const server = http.createServer((request, answer) => {
  answer.setHeader('content-type', 'text/html');
  answer.setHeader('cache-control', 'no-store');
  answer.end(
    request.url === '/form'
      ? `<!doctype html><title>form</title><h1>${person}</h1>
         <form method="post" action="/add">${controls[form]()}<textarea name="text"></textarea></form>`
      : '<!doctype html><title>elsewhere</title>',
  );
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const origin = `http://127.0.0.1:${server.address().port}`;

let browser;
try {
  const executablePath = await sparticuz.executablePath();
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--headless'] });
} catch (error) {
  console.error(String(error));
  process.exit(2);
}
console.log(`Chromium ${browser.version()}`);

const seen = [];
for (form of Object.keys(controls)) {
  for (const second of ['alice', 'bob']) {
    const page = await (await browser.newContext()).newPage();
    person = 'alice';
    await page.goto(`${origin}/form`);
    await page.fill('textarea', 'dear diary');
    await page.goto(`${origin}/elsewhere`);
    person = second;
    await page.goBack({ waitUntil: 'load' });
    // The text is put back after the page has loaded.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 300))));
    const [whose, text] = [await page.textContent('h1'), await page.inputValue('textarea')];
    console.log(`${form}: the page is ${whose}'s, the field has ${JSON.stringify(text)}`);
    seen.push(`${whose}:${text}`);
  }
}
await browser.close();
server.close();

const expected = [
  'alice:dear diary', 'bob:dear diary',
  'alice:dear diary', 'bob:dear diary',
  'alice:dear diary', 'bob:',
  'alice:dear diary', 'bob:dear diary',
];
process.exitCode = JSON.stringify(seen) === JSON.stringify(expected) ? 0 : 1;
JS

npm install --no-audit --no-fund --silent || exit 2
status=0
node back.mjs || status=$?
case $status in
  0) echo 'As described.' ;;
  1) echo 'The behaviour has changed.' ;;
  *) echo 'The browser did not start.' ;;
esac
exit "$status"
