// A relying party in one file, with Node's own modules alone. README.md says how to register and start it.
import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';

const { ISSUER, CLIENT_ID, CLIENT_SECRET, ORIGIN } = process.env;
const safe = '; Path=/; Secure; HttpOnly; SameSite=Lax';
const signIn = '<p>Nobody is signed in. <a href="/handoff/start">Sign in</a>';
const random = () => randomBytes(32).toString('base64url');
const escape = (text) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
const begun = new Map(); // pre-session and state -> verifier, target, end
const sessions = new Map(); // session id -> access token

/** A call from server to server. */
const ask = (method, path, authorization, body) => new Promise((resolve, reject) => {
  const at = new URL(ISSUER);
  // Node does not resolve *.localhost: connect to this machine, and name the site in Host.
  const hostname = at.hostname.endsWith('.localhost') ? '127.0.0.1' : at.hostname;
  const headers = { host: at.host, authorization, 'content-type': 'application/json' };
  const { request } = at.protocol === 'https:' ? https : http;
  request({ method, hostname, port: at.port, path, headers }, async (answer) =>
    resolve({ status: answer.statusCode, ...JSON.parse((await answer.toArray()).join('')) }),
  ).on('error', reject).end(body && JSON.stringify(body));
});

const relyingParty = async (request, answer) => {
  const { pathname, searchParams: given } = new URL(request.url, ORIGIN);
  const query = Object.fromEntries([...given].filter(([name]) => given.getAll(name).length === 1));
  const cookies = Object.fromEntries((request.headers.cookie ?? '').split('; ').map((pair) => pair.split('=')));
  const send = (status, headers, page) =>
    answer.writeHead(status, { 'content-type': 'text/html; charset=utf-8', ...headers }).end(page);
  const token = sessions.get(cookies['__Host-rp_session']);
  // A sign-out at the AS ends the access token, and so the session here.
  const user = token && (await ask('GET', '/api/v1/auth/direct/session', `Bearer ${token}`)).user;
  if (pathname === '/handoff/start' && (query.iss ?? ISSUER) === ISSUER) { // H2
    const [pre, state, verifier] = [cookies['__Host-rp_pre'] ?? random(), random(), random()];
    const wanted = new URL(URL.canParse(query.target_link_uri) ? query.target_link_uri : ORIGIN);
    const target = wanted.origin === ORIGIN ? wanted.href : ORIGIN;
    begun.set(`${pre} ${state}`, { verifier, target, end: Date.now() + 300_000 });
    const sent = new URLSearchParams({ client_id: CLIENT_ID, redirect_uri: `${ORIGIN}/callback`, state,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256' });
    if (query.launch) sent.set('launch', query.launch);
    return send(303, { location: `${ISSUER}/handoff/authorize?${sent}`, 'set-cookie': `__Host-rp_pre=${pre}${safe}` });
  }
  if (pathname !== '/callback') return send(200, {}, user ? `<p>Signed in as ${escape(user.name)}.` : signIn);
  const key = `${cookies['__Host-rp_pre']} ${query.state}`; // H4: the state belongs to this browser, and works once
  const row = begun.get(key);
  if (!begun.delete(key) || Date.now() > row.end || query.iss !== ISSUER) return send(400, {}, signIn);
  const basic = Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString('base64');
  const told = await ask('POST', '/auth/external/handoff/verify', `Basic ${basic}`, { // H5
    handoff_token: query.handoff_token, state: query.state, client_id: CLIENT_ID,
    redirect_uri: `${ORIGIN}/callback`, code_verifier: row.verifier });
  if (told.status !== 200) return send(400, {}, signIn);
  if (user && user.id !== told.user.id) return send(400, {}, '<p>Somebody else is signed in here.');
  const own = random(); // H6: a new session id, a clean address
  sessions.set(own, told.access_token);
  send(303, { location: row.target, 'set-cookie': `__Host-rp_session=${own}${safe}` });
};
http.createServer((request, answer) => relyingParty(request, answer).catch(() => answer.writeHead(502).end()))
  .listen(new URL(ORIGIN).port, '127.0.0.1');
