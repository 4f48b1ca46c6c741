/**
 * shared.get and shared.put: the settings that all devices of a site share (sync.md 3). A value is read from the local
 * replica, so it is there without a network; a write becomes part of the replica with the run's settlement.
 */
import { canonicalize } from "../../core/canonical-json.ts";
import type { Capability } from "../capability.ts";
import type { SharedStatePort } from "../ports.ts";
import { kvEvidence } from "./clock.ts";
import { boolean, contract, json, object, plainTarget, text, textArg } from "./define.ts";

const key = text(128, "^[A-Za-z0-9_.-][A-Za-z0-9_./-]*$");

const getContract = contract({
  id: "shared.get",
  title: "Read a shared setting",
  class: "local",
  params: object({ key }),
  result: object({ found: boolean, value: json, writer: { type: ["string", "null"], maxLength: 128 } }),
  topic: "shared://{key}",
  action: "read",
  evidence: [{ kind: "kv_read", source: "local://shared" }],
  costMilli: 100,
});

const putContract = contract({
  id: "shared.put",
  title: "Write a shared setting",
  class: "local",
  params: object({ key, value: json }),
  result: object({}),
  topic: "shared://{key}",
  action: "write",
  costMilli: 500,
});

/** @param deviceId of this device: what another one wrote is evidence from that peer, not from here. */
export function sharedCapabilities(shared: SharedStatePort, deviceId: string): readonly Capability[] {
  const keyOf = (args: Parameters<Capability["resolve"]>[1]): string => textArg(args, "key") ?? "";
  return [
    {
      contract: getContract,
      resolve: (_, args) => plainTarget({ uri: `shared://${keyOf(args)}`, action: "read", class: "local" }),
      async perform({ args }) {
        const found = shared.get(keyOf(args));
        const value = found?.value ?? null;
        const writer = found?.writer ?? null;
        const own = writer === null || writer === deviceId;
        return {
          result: { found: found !== null, value, writer },
          evidence: [
            own
              ? kvEvidence("local://shared", keyOf(args), value)
              : { kind: "peer_claim", source: `peer://${writer}`, payload: { key: keyOf(args), value } },
          ],
          readBytes: Buffer.byteLength(canonicalize(value)),
        };
      },
    },
    {
      contract: putContract,
      resolve: (_, args) =>
        plainTarget({
          uri: `shared://${keyOf(args)}`,
          action: "write",
          class: "local",
          writeBytes: Buffer.byteLength(canonicalize(args.value ?? null)),
        }),
      async perform({ ctx, args, target }) {
        const staged = shared.put(ctx.runId, keyOf(args), args.value ?? null);
        if ("code" in staged) return staged;
        ctx.staged.push(...staged.ops);
        return { result: {}, evidence: [], writtenBytes: target.writeBytes };
      },
    },
  ];
}
