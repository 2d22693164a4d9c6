import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { outputsOf } from '../arbitrary/arbitrary-of.ts'
import { isErrorCode } from '../error/error-codes.ts'
import { MusterError } from '../error/muster-error.ts'
import { toProblem } from '../error/problem.ts'
import { jobSpecSchema } from '../job/job-spec.ts'
import { timelineEventSchema } from '../job/timeline.ts'
import { exampleSpec } from '../vector/example-records.ts'
import { receiptBundleSchema } from './job-routes.ts'
import { toJson } from './json.ts'
import { openApiDocument } from './openapi.ts'
import type { Route } from './route.ts'
import { routes } from './routes.ts'

interface Operation {
  readonly operationId: string
  readonly security?: readonly Record<string, readonly string[]>[]
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[]
  readonly requestBody?: { readonly content: Record<string, unknown> }
  readonly responses: Record<string, { readonly content: Record<string, { readonly schema?: unknown }> }>
}

interface Document {
  readonly openapi: string
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: { readonly schemas: Record<string, object> }
}

const openApi = openApiDocument() as Document
const operations = new Map(
  Object.values(openApi.paths).flatMap((path) =>
    Object.values(path).map((operation) => [operation.operationId, operation] as const),
  ),
)

test('is an OpenAPI 3.1 document', async () => {
  const validator = new Validator()
  expect(await validator.validate({ ...structuredClone(openApi) })).toEqual({ valid: true })
  expect([openApi.openapi, validator.version]).toEqual(['3.1.0', '3.1'])
})

test('is JSON', () => {
  expect(JSON.parse(JSON.stringify(openApi))).toEqual(openApi)
})

test('has no reference that leads nowhere', () => {
  const names = [...JSON.stringify(openApi).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(
    ([, name]) => name ?? '',
  )
  expect(names.length).toBeGreaterThan(50)
  expect(names.filter((name) => !(name in openApi.components.schemas))).toEqual([])
  expect(JSON.stringify(openApi)).not.toMatch(/"\$ref":"(?!#\/components\/schemas\/)/)
})

describe.each(Object.entries<Route>(routes))('the operation %s', (id, route) => {
  const operation = operations.get(id)

  test('stands at its method and path', () => {
    expect(openApi.paths[route.path]?.[route.method.toLowerCase()]?.operationId).toBe(id)
  })

  test('takes the parameters of its route', () => {
    const names = (place: string) => operation?.parameters.filter((each) => each.in === place).map(({ name }) => name)
    expect(names('path')).toEqual(Object.keys(route.params.shape))
    expect(names('query')).toEqual(Object.keys(route.query.shape))
    expect(operation?.parameters.filter((each) => each.in === 'path').every(({ required }) => required)).toBe(true)
  })

  test('says who may call it', () => {
    expect(operation?.security).toEqual(route.auth === 'none' ? undefined : [{ [route.auth]: [] }])
  })

  test('takes and gives what its route does', () => {
    const type =
      route.body === null ? undefined : route.body === 'bytes' ? 'application/octet-stream' : 'application/json'
    expect(Object.keys(operation?.requestBody?.content ?? {})).toEqual(type === undefined ? [] : [type])
    const given =
      route.response === 'bytes'
        ? 'application/octet-stream'
        : 'json' in route.response
          ? 'application/json'
          : 'text/event-stream'
    expect(Object.keys(operation?.responses[route.status]?.content ?? {})).toEqual([given])
  })

  test('names the codes it fails with', () => {
    const schema = operation?.responses['default']?.content['application/problem+json']?.schema
    const { enum: codes = [] } = JSON.parse(
      /"code":({"enum":\[[^\]]*\]})/.exec(JSON.stringify(schema))?.[1] ?? '{}',
    ) as { enum?: string[] }
    expect(codes).toEqual(expect.arrayContaining([...route.errors, 'internal']))
    expect(codes.filter((code) => !isErrorCode(code))).toEqual([])
    expect(new Set(codes).size).toBe(codes.length)
    expect(codes.includes('unauthenticated')).toBe(route.auth !== 'none')
  })
})

describe('JSON that a market writes', () => {
  const ajv = new Ajv2020({ strict: false })
  ajv.addSchema({ $id: 'muster', ...openApi })
  const validatorOf = (name: string) => ajv.compile({ $ref: `muster#/components/schemas/${name}` })
  const require = (name: string, value: unknown): void => {
    const validate = validatorOf(name)
    validate(JSON.parse(toJson(value)))
    expect(validate.errors).toBeNull()
  }

  test.each<[string, z.ZodType]>([
    ['ReceiptBundle', receiptBundleSchema],
    ['TimelineEvent', timelineEventSchema],
    ['JobSpec', jobSpecSchema],
  ])('is what the document says of a %s', (name, schema) => {
    fc.assert(
      fc.property(outputsOf(schema), (value) => require(name, value)),
      { numRuns: 20 },
    )
  })

  test('is a problem where something failed', () => {
    require('Problem', toProblem(new MusterError({ code: 'nothing_fits', message: 'None.', retryAfterMs: 5 })))
  })

  test('is refused where it is wrong', () => {
    const validate = validatorOf('JobSpec')
    const spec = JSON.parse(toJson(exampleSpec)) as Record<string, unknown>
    expect(validate(spec)).toBe(true)
    for (const wrong of [
      { ...spec, slots: 0 },
      { ...spec, ceiling: '1.5' },
      { ...spec, more: 1 },
      { ...spec, tasks: [] },
    ]) {
      expect(validate(wrong)).toBe(false)
    }
  })
})
