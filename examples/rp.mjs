// A relying party in one file, with Node's own modules alone. README.md says how to register and start it.
import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';

const { ISSUER, CLIENT_ID, CLIENT_SECRET, ORIGIN } = process.env;
const basic = `Basic ${btoa(`${CLIENT_ID}:${CLIENT_SECRET}`)}`;
const safe = '; Path=/; Secure; HttpOnly; SameSite=Lax';
const signIn = '<p>Nobody is signed in. <a href="/handoff/start">Sign in</a>';
const random = () => randomBytes(32).toString('base64url');
const escape = (text) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
const [begun, sessions] = [new Map(), new Map()]; // pre-session and state -> verifier, target, end; session id -> user

const ask = (method, path, authorization, body) => new Promise((resolve, reject) => {
  // A call from server to server. Node does not resolve *.localhost: connect to this machine, name the site in Host.
  const { protocol, hostname, host, port } = new URL(ISSUER);
  const headers = { host, authorization, 'content-type': 'application/json' };
  const to = { method, hostname: hostname.endsWith('.localhost') ? '127.0.0.1' : hostname, port, path, headers };
  (protocol === 'https:' ? https : http).request({ ...to, signal: AbortSignal.timeout(10_000) }, (answer) =>
    answer.toArray().then((parts) => ({ status: answer.statusCode, ...JSON.parse(Buffer.concat(parts)) }))
      .then(resolve, reject)).on('error', reject).end(body && JSON.stringify(body));
});

const relyingParty = async (request, answer) => {
  const { pathname, searchParams: given } = new URL(request.url, ORIGIN);
  const query = Object.fromEntries([...given].filter(([name]) => given.getAll(name).length === 1));
  // Our cookies: what we did not make, or what is there twice, is none.
  const ours = [...(request.headers.cookie ?? '').matchAll(/(?:^|; ?)__Host-(rp_\w+)=([\w-]{43})(?=;|$)/g)];
  const found = (name) => ours.filter(([, its]) => its === name);
  const cookie = (name) => (found(name).length === 1 ? found(name)[0][2] : undefined);
  const send = (status, headers, page) =>
    answer.writeHead(status, { 'content-type': 'text/html; charset=utf-8', ...headers }).end(page);
  const session = sessions.get(cookie('rp_session'));
  // A sign-out at the AS ends the access token, and so the session here.
  const hasEnded = session && (await ask('GET', '/api/v1/auth/direct/session', session.bearer)).status === 401;
  const user = hasEnded ? void sessions.delete(cookie('rp_session')) : session?.user;
  if (pathname === '/handoff/start' && (query.iss ?? ISSUER) === ISSUER) { // H2
    const [pre, state, verifier] = [cookie('rp_pre') ?? random(), random(), random()];
    const { href: target } = new URL(query.target_link_uri?.startsWith(`${ORIGIN}/`) ? query.target_link_uri : ORIGIN);
    begun.set(`${pre} ${state}`, { verifier, target, end: Date.now() + 300_000 });
    const sent = new URLSearchParams({ client_id: CLIENT_ID, redirect_uri: `${ORIGIN}/callback`, state,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256',
      ...(query.launch && { launch: query.launch }) });
    return send(303, { location: `${ISSUER}/handoff/authorize?${sent}`, 'set-cookie': `__Host-rp_pre=${pre}${safe}` });
  }
  if (pathname !== '/callback') return send(200, {}, user ? `<p>Signed in as ${escape(user.name)}.` : signIn);
  const key = `${cookie('rp_pre')} ${query.state}`; // H4: the state belongs to this browser, and works once
  const row = begun.get(key);
  if (!begun.delete(key) || Date.now() > row.end || query.iss !== ISSUER) return send(400, {}, signIn);
  const verified = await ask('POST', '/auth/external/handoff/verify', basic, {
    handoff_token: query.handoff_token, state: query.state, client_id: CLIENT_ID,
    redirect_uri: `${ORIGIN}/callback`, code_verifier: row.verifier });
  if (verified.status !== 200) return send(400, {}, signIn);
  if (user && user.id !== verified.user.id) return send(400, {}, '<p>Somebody else is signed in here.');
  const own = random(); // H6: a new session id, a clean address
  sessions.set(own, { user: verified.user, bearer: `Bearer ${verified.access_token}` });
  send(303, { location: row.target, 'set-cookie': `__Host-rp_session=${own}${safe}` });
};
http.createServer((request, answer) => relyingParty(request, answer).catch(() => answer.writeHead(502).end()))
  .listen(new URL(ORIGIN).port, '127.0.0.1');
