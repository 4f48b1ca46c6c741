import { fib } from "./fib.ts";
import { loop } from "./loop.ts";
import { objects } from "./objects.ts";
import { pid } from "./pid.ts";
import { strings } from "./strings.ts";
import { sum } from "./sum.ts";
import type { Workload } from "./workload.ts";

export const WORKLOADS: readonly Workload[] = [loop, pid, fib, objects, strings, sum];
