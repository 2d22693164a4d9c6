import type { z } from 'zod'

/**
 * A schema of text whose output is a branded type. The brand is in the type only: nothing runs, so that a record of
 * branded fields is checked by one compiled function.
 */
export const branded = <Brand extends string>(schema: z.ZodString): z.ZodType<Brand, string> =>
  schema as unknown as z.ZodType<Brand, string>
