"""A relying party in one file, with the standard library alone. README.md says how to register and start it."""
import base64, hashlib, html, http.client, http.server, json, os, re, time
from secrets import token_urlsafe as random
from urllib.parse import parse_qs, urlencode, urlsplit

ISSUER, CLIENT, SECRET, ORIGIN = (os.environ[name] for name in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET", "ORIGIN"))
BASIC = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
SAFE = "; Path=/; Secure; HttpOnly; SameSite=Lax"
SIGN_IN = '<p>Nobody is signed in. <a href="/handoff/start">Sign in</a>'
begun, sessions = {}, {}  # (pre-session, state) -> verifier, target, end; session id -> user, access token

def ask(method, path, authorization, body=None):
    # A call from server to server. Few resolvers know *.localhost: connect to this machine, name the site in Host.
    at, connect = urlsplit(ISSUER), getattr(http.client, urlsplit(ISSUER).scheme.upper() + "Connection")
    call = connect("127.0.0.1" if at.hostname.endswith(".localhost") else at.hostname, at.port, timeout=10)
    headers = {"Host": at.netloc, "Authorization": authorization, "Content-Type": "application/json"}
    call.request(method, path, json.dumps(body) if body else None, headers)
    return (answer := call.getresponse()).status, json.loads(answer.read())

class RelyingParty(http.server.BaseHTTPRequestHandler):
    log_request = lambda *_: None  # it would write handoff tokens to the log
    def do_GET(self):
        url, now, pre, own = urlsplit(self.path), time.monotonic(), self.cookie("rp_pre"), self.cookie("rp_session")
        query = {name: values[0] for name, values in parse_qs(url.query).items() if len(values) == 1}
        if own in sessions and ask("GET", "/api/v1/auth/direct/session", sessions[own]["bearer"])[0] == 401:
            sessions.pop(own, None)  # a sign-out at the AS ends the access token, and so the session here
        user = sessions.get(own, {}).get("user")
        if url.path == "/handoff/start" and query.get("iss", ISSUER) == ISSUER:  # H2
            pre, state, verifier = pre or random(32), random(32), random(32)
            target = re.fullmatch(re.escape(ORIGIN) + "/[!-~]*", query.get("target_link_uri", ""))
            begun[pre, state] = verifier, target[0] if target else ORIGIN, now + 300
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
            if status != 200: return self.answer(400, SIGN_IN)
            if user and user["id"] != told["user"]["id"]: return self.answer(400, "<p>Somebody else is signed in here.")
            sessions[own := random(32)] = {"user": told["user"], "bearer": "Bearer " + told["access_token"]}
            self.answer(303, Location=target, Set_Cookie=f"__Host-rp_session={own}{SAFE}")  # H6: a clean address
        else:
            self.answer(200, f"<p>Signed in as {html.escape(user['name'])}." if user else SIGN_IN)

    def cookie(self, name):  # one of ours; not SimpleCookie, which finds cookies inside the values of others
        found = re.findall(rf"(?:^|; ?)__Host-{name}=([\w-]{{43}})(?=;|$)", self.headers.get("Cookie", ""), re.A)
        return found[0] if len(found) == 1 else None
    def answer(self, status, page="", **headers):
        self.send_response(status)
        for name, value in ({"Content-Type": "text/html; charset=utf-8"} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(page.encode())

http.server.ThreadingHTTPServer(("127.0.0.1", urlsplit(ORIGIN).port), RelyingParty).serve_forever()
