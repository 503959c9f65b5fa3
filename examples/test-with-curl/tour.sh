#!/usr/bin/env bash
# Test a client of Moothall in any language: everything is HTTP. Start a server first, in another terminal:
#
#   moothall serve --memory --seed demo
#
set -euo pipefail
URL=${MOOTHALL_URL:-http://127.0.0.1:8000}
JSON='Content-Type: application/json'

field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

# Begin anew: what earlier tests left is gone, and the club of `--seed demo` is there again.
curl -fsS -X POST "$URL/testing/reset"

# Be anybody, without a password.
TOKEN=$(curl -fsS "$URL/testing/token" -H "$JSON" -d '{"user": "ada"}' | field access_token)
curl -fsS "$URL/api/v1/users/me" -H "Authorization: Bearer $TOKEN" | field full_name

# Read the mails, with the links in them.
curl -fsS "$URL/api/v1/auth/forgot-password" -H "$JSON" -d '{"email": "ada@example.com"}'
curl -fsS "$URL/testing/mail?to=ada@example.com" | python3 -c 'import json, sys; print(json.load(sys.stdin)[-1]["subject"])'

# Move the clock: an access token is good for 15 minutes.
curl -fsS "$URL/testing/clock" -H "$JSON" -d '{"advance": 901}'
curl -sS "$URL/api/v1/users/me" -H "Authorization: Bearer $TOKEN" | field code

# Do what is due: mails, webhooks, jobs.
curl -fsS -X POST "$URL/testing/drain"

# See what a client does when the database is away for one request.
curl -fsS "$URL/testing/fail" -H "$JSON" -d '{"port": "database", "how": "fail", "times": 1}'
curl -sS "$URL/api/v1/products" | field code
curl -sS "$URL/api/v1/products" | field total
