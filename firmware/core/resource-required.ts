import { CodedError } from "./errors.ts";

/** Something that cannot be supplied in code: hardware, a bus, a native module or a right (capabilities.md 8). */
export interface ResourceRequirement {
  /** For example `bus:i2c:1`, `module:i2c-bus`, `permission:/dev/i2c-1`. */
  readonly resource: string;
  /** One sentence: what was tried and what was found. */
  readonly why: string;
  /** One sentence for a person. */
  readonly howTo: string;
  /** Exact commands for this board, to be run by a person; the daemon never runs them. */
  readonly commands: readonly string[];
  /** True if installing or enabling it changes the system. */
  readonly requiresConsent: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

export class ResourceRequired extends CodedError<"resource_required"> {
  readonly requirement: ResourceRequirement;

  constructor(requirement: ResourceRequirement, cause?: unknown) {
    super("resource_required", `resource_required:${requirement.resource}`, {
      status: 428,
      details: {
        resource: requirement.resource,
        why: requirement.why,
        howTo: requirement.howTo,
        commands: [...requirement.commands],
        requiresConsent: requirement.requiresConsent,
        ...(requirement.env ? { env: { ...requirement.env } } : {}),
      },
      cause,
    });
    this.requirement = requirement;
  }
}
