/** Policy globs, under the one name that the capabilities use. */
export { literalLength, matchesGlob as globMatches } from "../../policy/index.ts";
