// A forward proxy that turns the scripts of every page off, in any browser.
//
// Firefox ignores Playwright's `javaScriptEnabled: false` without a word, and blocking the bundle
// shows nothing on pages that load none. So each response gets one more policy, which browsers
// enforce beside the page's own. Whatever is no `*.localhost` gets no answer: a run needs no network.
//
// node noscript-proxy.mjs <port>

import { createServer, request } from 'node:http';

const NO_SCRIPTS = ['Content-Security-Policy', "script-src 'none'"];
/** What concerns one connection and not the message (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'te', 'upgrade'];

const port = Number(process.argv[2]);

const proxy = createServer((asked, answer) => {
  if (asked.url === '/ready') {
    answer.end('ready\n');
    return;
  }
  const target = URL.canParse(asked.url ?? '') ? new URL(asked.url ?? '') : undefined;
  if (target?.protocol !== 'http:' || !isHere(target.hostname)) {
    answer.writeHead(502).end();
    return;
  }
  const forwarded = request(
    {
      host: '127.0.0.1',
      port: target.port || 80,
      method: asked.method,
      // As it was sent: `URL` would put some characters in another form.
      path: asked.url?.slice(target.protocol.length + 2).replace(/^[^/?]*/, '') || '/',
      headers: endToEnd(asked.rawHeaders),
      setHost: false,
    },
    (answered) => {
      const headers = [...endToEnd(answered.rawHeaders), ...NO_SCRIPTS];
      answer.writeHead(answered.statusCode ?? 502, answered.statusMessage, headers);
      answered.pipe(answer);
    },
  );
  forwarded.on('error', () => {
    if (answer.headersSent) answer.destroy();
    else answer.writeHead(502).end();
  });
  answer.on('close', () => forwarded.destroy());
  asked.pipe(forwarded);
});
// A browser's own errands, over TLS.
proxy.on('connect', (_, socket) => {
  socket.on('error', () => {});
  socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
});
proxy.listen(port, '127.0.0.1');

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => process.exit(0));
}

/** @param {string} host */
function isHere(host) {
  return host === '127.0.0.1' || host === 'localhost' || host.endsWith('.localhost');
}

/**
 * The headers, name after value as Node keeps them raw, so that `Set-Cookie` may stand there twice.
 *
 * @param {string[]} raw
 */
function endToEnd(raw) {
  return raw.filter((_, at) => !HOP_BY_HOP.includes((raw[at - (at % 2)] ?? '').toLowerCase()));
}
