"""A relying party in one file, with the standard library alone. README.md says how to register and start it."""
import base64, hashlib, html, http.client, json, os, secrets, time
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

ISSUER, CLIENT, SECRET, ORIGIN = (os.environ[name] for name in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET", "ORIGIN"))
BASIC = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
SAFE = "; Path=/; Secure; HttpOnly; SameSite=Lax"
SIGN_IN = '<p>Nobody is signed in. <a href="/handoff/start">Sign in</a>'
begun, sessions = {}, {}  # (pre-session, state) -> verifier, target, end; session id -> access token

def ask(method, path, authorization, body=None):  # a call from server to server
    at = urlsplit(ISSUER)
    connect = http.client.HTTPSConnection if at.scheme == "https" else http.client.HTTPConnection
    # Few resolvers know *.localhost: connect to this machine, and name the site in Host.
    call = connect("127.0.0.1" if at.hostname.endswith(".localhost") else at.hostname, at.port, timeout=10)
    headers = {"Host": at.netloc, "Authorization": authorization, "Content-Type": "application/json"}
    call.request(method, path, json.dumps(body) if body else None, headers)
    return (answer := call.getresponse()).status, json.loads(answer.read())

class RelyingParty(BaseHTTPRequestHandler):
    log_request = lambda *_: None  # it would write handoff tokens to the log
    def do_GET(self):
        url, now, cookies = urlsplit(self.path), time.monotonic(), SimpleCookie(self.headers["Cookie"])
        query = {name: values[0] for name, values in parse_qs(url.query).items() if len(values) == 1}
        pre, own = (cookies[name].value if name in cookies else None for name in ("__Host-rp_pre", "__Host-rp_session"))
        # A sign-out at the AS ends the access token, and so the session here.
        user = own in sessions and ask("GET", "/api/v1/auth/direct/session", "Bearer " + sessions[own])[1].get("user")
        if url.path == "/handoff/start" and query.get("iss", ISSUER) == ISSUER:  # H2
            target, pre = query.get("target_link_uri", ""), pre or secrets.token_urlsafe(32)
            target = target if target.startswith(ORIGIN + "/") and target.isascii() and target.isprintable() else ORIGIN
            state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
            begun[pre, state] = verifier, target, now + 300
            challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
            sent = {"client_id": CLIENT, "redirect_uri": ORIGIN + "/callback", "state": state,
                    "code_challenge": challenge, "code_challenge_method": "S256"}
            sent = urlencode(sent | {name: query[name] for name in query if name == "launch"})
            self.answer(303, Location=f"{ISSUER}/handoff/authorize?{sent}", Set_Cookie=f"__Host-rp_pre={pre}{SAFE}")
        elif url.path == "/callback":  # H4: the state belongs to this browser, and works once
            verifier, target, end = begun.pop((pre, query.get("state")), (None, None, 0))
            if now > end or query.get("iss") != ISSUER: return self.answer(400, SIGN_IN)
            body = {"handoff_token": query.get("handoff_token"), "state": query["state"], "code_verifier": verifier}
            status, told = ask("POST", "/auth/external/handoff/verify", BASIC,  # H5
                               body | {"client_id": CLIENT, "redirect_uri": ORIGIN + "/callback"})
            if status != 200 or user and user["id"] != told["user"]["id"]:  # nobody replaces who is signed in here
                return self.answer(400, "<p>Somebody else is signed in here." if user else SIGN_IN)
            sessions[own := secrets.token_urlsafe(32)] = told["access_token"]  # H6: a new session id, a clean address
            self.answer(303, Location=target, Set_Cookie=f"__Host-rp_session={own}{SAFE}")
        else:
            self.answer(200, f"<p>Signed in as {html.escape(user['name'])}." if user else SIGN_IN)

    def answer(self, status, page="", **headers):
        self.send_response(status)
        for name, value in ({"Content-Type": "text/html; charset=utf-8"} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(page.encode())

ThreadingHTTPServer(("127.0.0.1", urlsplit(ORIGIN).port), RelyingParty).serve_forever()
