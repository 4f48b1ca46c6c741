/** Fills the names that only the device knows into a policy template: `{fleet}`, `{device}`, `{operator}` (a key id). */
export function fillPolicyTemplate(
  template: string,
  names: { readonly fleet: string; readonly device: string; readonly operator: string },
): string {
  return template
    .replaceAll("{fleet}", names.fleet)
    .replaceAll("{device}", names.device)
    .replaceAll("{operator}", names.operator);
}
