/** The evidence source that belongs to a binding (policy.md 4, evidence.md 4). */

/**
 * Resource URIs keep the case of the device node (`serial://ttyAMA0/nmea`), evidence sources have a lower-case
 * authority (`serial://ttyama0/nmea`). Everything after the authority stays as it is.
 */
export function sourceOfBinding(uri: string): string {
  const start = uri.indexOf("://") + 3;
  const end = uri.indexOf("/", start);
  const authorityEnd = end < 0 ? uri.length : end;
  return uri.slice(0, authorityEnd).toLowerCase() + uri.slice(authorityEnd);
}
