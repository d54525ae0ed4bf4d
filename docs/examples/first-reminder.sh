#!/bin/sh
# A first reminder on the local cloud (`make run` in another terminal). The README shows the commands between the lines.
# LOCAL_DIR names another state folder than .local; curl and python3 are all it takes.
set -eu
local_dir=${LOCAL_DIR:-$(dirname "$0")/../../.local}
fact() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$local_dir/cloud.json" "$1"; }
API=$(fact api_url) TOOLS=$(fact tools_url) KEY=$(fact api_key)
# Three days ahead on the local cloud's own clock, which may have been moved before.
DAY=$(curl -sf "$TOOLS/clock" | python3 -c 'import datetime as d, json, sys
print(d.date.fromisoformat(json.load(sys.stdin)["now"][:10]) + d.timedelta(3))')

# --- as in the README ---
# 1. A client who agreed to WhatsApp and e-mail. The phone is national; the organization's country makes it +31…
curl -sf -X PUT "$API/v1/clients/anna" \
  -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d '{"first_name": "Anna", "locale": "en", "phone": "0970 100 00142", "email": "anna@example.org",
       "consents": {"service": {"whatsapp": true, "email": true}, "source": "booking form"}}'

# 2. An appointment in three days, at 14:30 in the organization's time zone. The answer shows the planned reminders.
curl -sf -X PUT "$API/v1/appointments/a-1" \
  -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d '{"client_id": "anna", "start": "'"$DAY"'T14:30:00", "duration_minutes": 45,
       "service": "Haircut", "status": "booked"}'

# 3. Move the local cloud's clock to noon (UTC) of that day. It runs everything that falls due on the way.
curl -sf -X POST "$TOOLS/clock" -d '{"now": "'"$DAY"'T12:00:00Z"}'

# 4. What Anna was sent, and how each message got there.
curl -sf "$API/v1/messages?client_id=anna" -H "Authorization: Bearer $KEY"
# --- end ---
