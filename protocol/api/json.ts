/** A value as JSON text: bigints become decimal strings, which the schemas of money parse again. */
export const toJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? item.toString() : item), indent)
