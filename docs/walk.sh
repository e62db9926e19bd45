#!/usr/bin/env bash
# The handoff by hand: H1 to H5 with curl, cookies passed by hand. See PROTOCOL.md.
# Usage: walk.sh [authorization server] [data folder]
set -Eeuo pipefail
trap 'echo "walk.sh: stopped at line $LINENO" >&2' ERR
as=${1:-http://auth.localhost:4000}
data=${2:-data}
rp=${as/auth/notes}

ask() { curl --silent --show-error --max-time 10 "$@"; }
cookie() { grep -i "^set-cookie: $1=" | tail -n 1 | sed 's/^[^:]*: //; s/;.*//' | tr -d '\r'; }
csrf() { grep -o 'name="csrf" value="[^"]*"' | head -n 1 | sed 's/.*value="//; s/"$//'; }
location() { grep -i '^location: ' | sed 's/^[^:]*: //' | tr -d '\r'; }
parameter() { sed -n "s/.*[?&]$1=\([^&]*\).*/\1/p"; }
random() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }

if ! ask --output /dev/null "$as/login"; then
    echo "walk.sh: nothing answers at $as; start \`cargo xtask demo\`, or name the address" >&2
    exit 1
fi
if [ ! -r "$data/notes.secret" ]; then
    echo "walk.sh: there is no $data/notes.secret; name the demo's data folder" >&2
    exit 1
fi

echo '== Sign in'
page=$(ask --include "$as/login")
pre=$(cookie __Host-as_pre <<<"$page")
answer=$(ask --include --cookie "$pre" --data-urlencode "csrf=$(csrf <<<"$page")" \
    --data-urlencode email=alice@harbor.example --data-urlencode password=handoff-demo "$as/login")
session=$(cookie __Host-as_session <<<"$answer")
echo "303 to $(location <<<"$answer"), with ${session%%=*}"

echo '== H1: Open Notes'
portal=$(ask --cookie "$session" "$as/")
answer=$(ask --include --cookie "$session" --data-urlencode "csrf=$(csrf <<<"$portal")" \
    "$as/apps/notes/open")
launch=$(location <<<"$answer" | parameter launch)
echo "303 to $(location <<<"$answer" | sed 's/?.*//'), launch ticket of ${#launch} characters"

echo '== H2: we are the relying party'
state=$(random)
verifier=$(random)
challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | tr -d '=')
echo "state and verifier made; code challenge $challenge"

echo '== H3: authorize'
answer=$(ask --include --cookie "$session" --get \
    --data-urlencode client_id=notes --data-urlencode "redirect_uri=$rp/callback" \
    --data-urlencode "state=$state" --data-urlencode "code_challenge=$challenge" \
    --data-urlencode code_challenge_method=S256 --data-urlencode "launch=$launch" \
    "$as/handoff/authorize")
token=$(location <<<"$answer" | parameter handoff_token)
[ "$(location <<<"$answer" | parameter state)" = "$state" ]
echo "303 to $(location <<<"$answer" | sed 's/?.*//'), handoff token of ${#token} characters"

body=$(printf '{"handoff_token":"%s","state":"%s","client_id":"notes","redirect_uri":"%s","code_verifier":"%s"}' \
    "$token" "$state" "$rp/callback" "$verifier")
verify() {
    ask --write-out '\n%{http_code}\n' --user "notes:$(cat "$data/notes.secret")" \
        --header 'Content-Type: application/json' --data "$body" \
        "$as/auth/external/handoff/verify"
}
echo '== H5: verify'
first=$(verify)
echo "$first" | sed 's/"access_token":"[^"]*"/"access_token":"…"/'
[ "$(tail -n 1 <<<"$first")" = 200 ]

echo '== The same again'
second=$(verify)
echo "$second"
[ "$(tail -n 1 <<<"$second")" = 400 ]
echo '== Done: one use, and no more'
