import type { z } from 'zod'

const inside = (schema: z.core.$ZodType, key: PropertyKey): readonly z.core.$ZodType[] => {
  const { def } = (schema as z.core.$ZodTypes)._zod
  switch (def.type) {
    case 'object': {
      const field = def.shape[String(key)]
      return field === undefined ? [] : [field]
    }
    case 'array':
      return [def.element]
    case 'record':
      return [def.valueType]
    default:
      return variantsOf(schema).flatMap((variant) => inside(variant, key))
  }
}

/** What a schema is a choice of, or a wrapping around; nothing where it stands for itself. */
const variantsOf = (schema: z.core.$ZodType): readonly z.core.$ZodType[] => {
  const { def } = (schema as z.core.$ZodTypes)._zod
  switch (def.type) {
    case 'union':
      return def.options
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'readonly':
    case 'catch':
      return [def.innerType]
    case 'pipe':
      return [def.in]
    default:
      return []
  }
}

const fieldsOf = (schema: z.core.$ZodType): readonly string[] => {
  const { def } = (schema as z.core.$ZodTypes)._zod
  return def.type === 'object' ? Object.keys(def.shape) : variantsOf(schema).flatMap(fieldsOf)
}

/** The fields a schema has at a place, of every variant it allows there. */
export const knownFields = (schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly string[] => {
  let here: readonly z.core.$ZodType[] = [schema]
  for (const key of path) here = here.flatMap((one) => inside(one, key))
  return [...new Set(here.flatMap(fieldsOf))]
}
