#!/usr/bin/env python3
"""verify.py <bundle> <vkey of the log> [<vkey of a witness> ...]

Verifies an imu.bundle/1 with Python's standard library and the openssl command: docs/verification.md, read by somebody
who has nothing of the project. Stops at the first failure and prints its code; every witness given must have cosigned.
"""
import base64, hashlib, json, subprocess, sys, tempfile

class Bad(Exception):
    pass

def need(holds, code):
    if not holds:
        raise Bad(code)

class Number(str):
    """Digits as they stand in the file: canonical already, so they are hashed as they are."""

def canonical(v):
    if v is None or isinstance(v, bool):
        return {None: "null", True: "true", False: "false"}[v]
    if isinstance(v, Number):
        return str(v)
    if isinstance(v, str):
        return json.dumps(v, ensure_ascii=False)
    if isinstance(v, list):
        return "[" + ",".join(map(canonical, v)) + "]"
    members = sorted(v.items(), key=lambda kv: kv[0].encode("utf-16-be"))
    return "{" + ",".join(canonical(k) + ":" + canonical(x) for k, x in members) + "}"

def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

def hash_json(v):
    return sha(canonical(v).encode()).hex()

def b64(text):
    return base64.b64decode(text, validate=True)

def included(index, size, leaf, proof, root):
    fn, sn, r = index, size - 1, leaf
    for p in proof:
        if sn == 0:
            return False
        if fn % 2 or fn == sn:
            r = sha(b"\x01", p, r)
            while fn % 2 == 0 and fn:
                fn, sn = fn // 2, sn // 2
        else:
            r = sha(b"\x01", r, p)
        fn, sn = fn // 2, sn // 2
    return index < size and sn == 0 and r == root

def root_of(leaves):
    """RFC 6962, 2.1, over leaf hashes."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha()
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return sha(b"\x01", root_of(leaves[:k]), root_of(leaves[k:]))

def extends(m, n, root_m, root_n, proof):
    if not 0 < m < n or not proof:
        return False
    fn, sn = m - 1, n - 1
    while fn % 2:
        fn, sn = fn // 2, sn // 2
    first, *rest = proof if fn else [root_m, *proof]
    fr = sr = first
    for c in rest:
        if sn == 0:
            return False
        if fn % 2 or fn == sn:
            fr, sr = sha(b"\x01", c, fr), sha(b"\x01", c, sr)
            while fn % 2 == 0 and fn:
                fn, sn = fn // 2, sn // 2
        else:
            sr = sha(b"\x01", sr, c)
        fn, sn = fn // 2, sn // 2
    return sn == 0 and fr == root_m and sr == root_n

def signed(public, message, signature):
    with tempfile.TemporaryDirectory() as d:
        for name, data in (("k", bytes.fromhex("302a300506032b6570032100") + public), ("m", message), ("s", signature)):
            open(f"{d}/{name}", "wb").write(data)
        return 0 == subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", f"{d}/k",
            "-rawin", "-in", f"{d}/m", "-sigfile", f"{d}/s"], capture_output=True).returncode

def vkey(text):
    name, key_id, key = text.split("+", 2)
    key = b64(key)
    need(sha(name.encode(), b"\n", key)[:4].hex() == key_id, "bad_key")
    return name, key_id, key[1:]

def checkpoint(note, log, witnesses):
    """Origin, size and root, once the log's signature and every given witness's cosignature hold."""
    text, _, lines = note.rpartition("\n\n")
    text, seen = text + "\n", set()
    origin, size, root = text.split("\n")[:3]
    need(origin == log[0], "wrong_origin")
    for line in lines.splitlines():
        _, name, sig = line.split(" ")
        key_id, sig = b64(sig)[:4].hex(), b64(sig)[4:]
        if (name, key_id) == log[:2]:
            need(signed(log[2], text.encode(), sig), "bad_signature")
        for w in (w for w in witnesses if w[:2] == (name, key_id)):
            message = f"cosignature/v1\ntime {int.from_bytes(sig[:8], 'big')}\n{text}".encode()
            need(signed(w[2], message, sig[8:]), "bad_cosignature")
        seen.add((name, key_id))
    need(log[:2] in seen, "wrong_key")
    need(all(w[:2] in seen for w in witnesses), "not_witnessed")
    return origin, int(size), b64(root)

DOCUMENTS = {"input": "inputHash", "outcome": "outputHash", "program": "programHash", "policy": "policyHash"}
CODES = {"outcome": "output_hash_mismatch"}
FRESH = lambda: {"documents": set(), "next": 0, "gap": False}

def close_rollup(rollup, wanted):
    if rollup and not rollup["withheld"]:
        n = len(rollup["seen"])
        need(n == (1 if wanted else int(rollup["data"]["count"])), "run_missing")

def recorded(rollup, line, wanted):
    """The run of a record that a rollup covers, as its own entry would have told of it."""
    record, data, seq = line["record"], rollup["data"], int(line["seq"])
    need(seq > max(rollup["seen"], default=-1), "out_of_order")
    leaf, proof = sha(b"\0", canonical(record).encode()), [b64(h) for h in line["proof"]]
    need(included(seq, int(data["count"]), leaf, proof, bytes.fromhex(data["runsRoot"])), "record_not_included")
    of = (record["program"]["programHash"], record["policyHash"], record["subject"])
    need(of == (data["programHash"], data["policyHash"], rollup["actor"]), "run_mismatch")
    need(wanted in (None, record["runId"]), "run_mismatch")
    rollup["seen"].add(seq)
    leaves = [sha(b"\0", bytes.fromhex(i)) for i in record["evidence"]]
    facts = {**record, "programHash": of[0], "evidenceRoot": root_of(leaves).hex(), "evidenceCount": len(leaves)}
    return {"data": facts, "runId": record["runId"], "actor": of[2], "index": line["index"]}

def close(run, shown):
    if run:
        shown.update(("program", run["data"]["programHash"]) for of in run["documents"] if of == "program")
        need({"input", "outcome"} <= run["documents"], "document_missing")
        need(("program", run["data"]["programHash"]) in shown, "document_missing")
        need(run["next"] == int(run["data"]["evidenceCount"]) and not run["gap"], "evidence_missing")

def evidence(run, line, device):
    seq, body, data = int(line["seq"]), line["body"], run["data"]
    need(body["deviceId"] == device, "evidence_foreign")
    need(seq >= run["next"], "out_of_order")
    run["gap"], run["next"] = run["gap"] or seq > run["next"], seq + 1
    of = (body["runId"], body["subject"], int(body["seq"]))
    need(of == (run["runId"], run["actor"], seq), "evidence_swapped")
    need(hash_json(body) == line["id"], "evidence_id_mismatch")
    leaf, proof = sha(b"\0", bytes.fromhex(line["id"])), [b64(h) for h in line["proof"]]
    root = bytes.fromhex(data["evidenceRoot"])
    need(included(seq, int(data["evidenceCount"]), leaf, proof, root), "evidence_not_included")
    inline = "payload" in body
    need(inline or "blob" in line, "payload_missing")
    payload = canonical(body["payload"]).encode() if inline else b64(line["blob"])
    need(sha(payload).hex() == body["sha256"], "digest_mismatch")

def verify(data, log, witnesses):
    head = header = run = rollup = last = over = None
    seen, shown, count = set(), set(), 0
    for raw in data.split(b"\n")[:-1]:
        line = json.loads(raw.decode(), parse_int=Number, parse_float=Number)
        need(canonical(line).encode() == raw, "malformed")
        need(not over, "out_of_order")
        t = line.get("t")
        if header is None:
            need(line["format"] == "imu.bundle/1", "unknown_format")
            header, device = line, line["origin"].split("/")[-2]
        elif head is None:
            head = checkpoint(line["note"], log, witnesses)
            need(head[0] == header["origin"], "origin_mismatch")
        elif t == "checkpoint":
            _, size, root = checkpoint(line["note"], log, [])
            need(size != head[1] or root == head[2], "fork")
            need(extends(size, head[1], root, head[2], [b64(h) for h in line["proof"]]), "inconsistent")
        elif t == "entry":
            close(run, shown)
            close_rollup(rollup, header["run"])
            index, entry = int(line["index"]), line["entry"]
            need(index > max(seen, default=-1), "out_of_order")
            seen.add(index)
            own = canonical(entry).encode()
            leaf = sha(b"\0", own)
            need(included(index, head[1], leaf, [b64(h) for h in line["proof"]], head[2]), "not_included")
            need(last is None or last[0] != index - 1 or last[1] == entry["prev_hash"], "chain_break")
            last, event = (index, sha(own).hex()), entry["event"]
            kind = event["kind"] if header["content"] else None
            need(header["run"] in (None, event.get("runId")) or kind == "run_rollup", "run_mismatch")
            run = {**event, "index": line["index"], **FRESH()} if kind == "run" else None
            new = {**event, "index": line["index"], "seen": set(), "withheld": False}
            rollup = new if kind == "run_rollup" else None
        elif t == "record":
            need(rollup and rollup["index"] == line["index"], "out_of_order")
            close(run, shown)
            run = {**recorded(rollup, line, header["run"]), **FRESH()}
        elif t in ("document", "evidence"):
            need(run and run["index"] == line["index"], "out_of_order")
            if t == "evidence":
                evidence(run, line, device)
            else:
                run["documents"].add(line["of"])
                code = CODES.get(line["of"], line["of"] + "_hash_mismatch")
                need(hash_json(line["value"]) == run["data"][DOCUMENTS[line["of"]]], code)
        elif t == "end":
            close(run, shown)
            close_rollup(rollup, header["run"])
            need(seen == set(range(int(header["from"]), int(header["to"]))), "entry_missing")
            need(int(line["lines"]) == count, "incomplete")
            over = True
        else:
            need(t == "consistency", "run_withheld" if t == "withheld" else "malformed")
        count += 1
    need(over and data.endswith(b"\n"), "truncated")

if __name__ == "__main__":
    try:
        verify(open(sys.argv[1], "rb").read(), vkey(sys.argv[2]), [vkey(w) for w in sys.argv[3:]])
        print("verified")
    except Bad as bad:
        sys.exit(f"{bad}")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        sys.exit("malformed")
