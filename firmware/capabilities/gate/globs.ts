/** Policy globs, under the one name that the capabilities use. */
export { matchesGlob as globMatches } from "../../policy/index.ts";
