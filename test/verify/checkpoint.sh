#!/bin/sh
# checkpoint.sh <file with a signed note> <vkey of the log>
# Verifies the log's signature under a checkpoint with openssl and coreutils alone.
set -eu
note=$1 name=${2%%+*} rest=${2#*+}
id=${rest%%+*} key=${rest#*+}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# The key: type 0x01 and 32 bytes; its id is the first 4 bytes of SHA-256(name, newline, type, key).
printf %s "$key" | base64 -d >"$dir/typed"
tail -c 32 "$dir/typed" >"$dir/raw"
[ "$({ printf '%s\n' "$name"; cat "$dir/typed"; } | sha256sum | cut -c 1-8)" = "$id" ] || { echo bad_key; exit 1; }
{ printf '\060\052\060\005\006\003\053\145\160\003\041\000'; cat "$dir/raw"; } >"$dir/key.der"

# The text: three lines, each with its newline; the fourth is empty; then the signatures.
head -n 3 "$note" >"$dir/text"
[ "$(head -n 1 "$note")" = "$name" ] || { echo wrong_origin; exit 1; }
[ -z "$(head -n 4 "$note" | tail -n 1)" ] || { echo bad_note; exit 1; }
found=no
tail -n +5 "$note" >"$dir/lines"
while read -r dash who signature; do
  printf %s "$signature" | base64 -d >"$dir/signed" || { echo bad_note; exit 1; }
  [ "$dash $who" = "— $name" ] && [ "$(head -c 4 "$dir/signed" | od -An -tx1 | tr -d ' ')" = "$id" ] || continue
  tail -c +5 "$dir/signed" >"$dir/signature"
  openssl pkeyutl -verify -pubin -keyform DER -inkey "$dir/key.der" -rawin -in "$dir/text" \
    -sigfile "$dir/signature" >/dev/null 2>&1 || { echo bad_signature; exit 1; }
  found=yes
done <"$dir/lines"
[ $found = yes ] || { echo wrong_key; exit 1; }
echo "verified: $(head -n 2 "$note" | tail -n 1) entries, root $(head -n 3 "$note" | tail -n 1)"
