import { printable } from '../terminal/text-width.ts'

/** A name that somebody gave, fit for a terminal; one that was erased says so. */
export const sayName = (name: string | null): string => (name === null ? '(erased)' : printable(name))
