/** The registry: contracts with their drivers, one alias table, and a version that identifies the whole set. */
import { CodedError } from "../core/errors.ts";
import { hashJson } from "../core/hash.ts";
import type { Capability } from "./capability.ts";
import { type Accepts, compileSchema } from "./contract/accept.ts";
import { assertContract } from "./contract/lint.ts";
import type { CapabilityContract } from "./contract/types.ts";

/** Old and short names (capabilities.md 3). Applied once, before any list, policy, rate or cost is looked up. */
export const ALIASES: Readonly<Record<string, string>> = Object.freeze({
  gpio_read: "gpio.read",
  gpio_write: "gpio.write",
  i2c_read: "i2c.read",
  i2c_write: "i2c.write",
  spi_xfer: "spi.transfer",
  serial_read: "serial.read",
  serial_write: "serial.write",
  fs_read: "fs.read",
  fs_write: "fs.write",
  queue_put: "queue.put",
  queue_get: "queue.get",
});

/** The canonical id of a name; a name that is no alias is its own. */
export const canonicalId = (name: string): string =>
  Object.hasOwn(ALIASES, name) ? (ALIASES[name] ?? name) : name;

/** What a contract says about values, compiled. */
export interface ContractChecks {
  readonly params: Accepts;
  readonly result: Accepts;
}

export class CapabilityRegistry {
  readonly #byId: ReadonlyMap<string, Capability>;
  /** Compiled when a capability is first called. */
  readonly #checks = new Map<CapabilityContract, ContractChecks>();
  /** H(JCS(contracts sorted by id)); stands in run records. */
  readonly registryVersion: string;

  /**
   * @param sources in order: built in, drivers of the board, derived.
   * @throws CodedError `capability_exists` (409) for an id given twice; lint codes of the contract (422).
   */
  constructor(...sources: readonly (readonly Capability[])[]) {
    const byId = new Map<string, Capability>();
    for (const capability of sources.flat()) {
      const { contract } = capability;
      assertContract(contract);
      if (byId.has(contract.id) || Object.hasOwn(ALIASES, contract.id)) {
        throw new CodedError("capability_exists", `Capability ${contract.id} is registered twice.`, {
          status: 409,
          details: { capability: contract.id },
        });
      }
      byId.set(contract.id, capability);
    }
    this.#byId = new Map([...byId].sort(([a], [b]) => (a < b ? -1 : 1)));
    this.registryVersion = hashJson(this.contracts());
  }

  /** By canonical id or alias. */
  get(name: string): Capability | undefined {
    return this.#byId.get(canonicalId(name));
  }

  /** The checks of a contract; those of this registry's own are kept. */
  checksOf(contract: CapabilityContract): ContractChecks {
    const known = this.#checks.get(contract);
    if (known) return known;
    const checks = { params: compileSchema(contract.params), result: compileSchema(contract.result) };
    if (this.#byId.get(contract.id)?.contract === contract) this.#checks.set(contract, checks);
    return checks;
  }

  has(name: string): boolean {
    return this.#byId.has(canonicalId(name));
  }

  /** Contracts sorted by id. */
  contracts(): readonly CapabilityContract[] {
    return [...this.#byId.values()].map(({ contract }) => contract);
  }

  /** Ids that a program lists but nobody provides, in its order: an error of the document. */
  unknownOf(listed: readonly string[]): readonly string[] {
    return listed.filter((name) => !this.has(name));
  }
}
