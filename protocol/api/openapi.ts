import { z } from 'zod'
import { namedBlobSchema, claimSchema, signedClaimSchema } from '../claim/claim.ts'
import type { ErrorCode } from '../error/error-codes.ts'
import { problemSchema } from '../error/problem.ts'
import { jobSpecSchema } from '../job/job-spec.ts'
import { taskCountsSchema, timelineEventSchema } from '../job/timeline.ts'
import { leaseSchema, signedLeaseSchema } from '../lease/lease.ts'
import { nanoUsdSchema } from '../money/money.ts'
import { priceSchema } from '../money/price.ts'
import { offerSchema, signedOfferSchema } from '../offer/offer.ts'
import { orderSchema, placementSchema, signedOrderSchema } from '../order/order.ts'
import { receiptSchema, signedReceiptSchema } from '../receipt/receipt.ts'
import { reservationSchema, signedReservationSchema } from '../reservation/reservation.ts'
import { resourcesSchema } from '../resource/resources.ts'
import { signatureSchema } from '../signature/signed.ts'
import { jobViewSchema, receiptBundleSchema, taskViewSchema } from './job-routes.ts'
import { nearMissSchema } from './market-routes.ts'
import type { Route } from './route.ts'
import { routes } from './routes.ts'

type JsonSchema = Record<string, unknown>

const components: Readonly<Record<string, z.ZodType>> = {
  Claim: claimSchema,
  JobSpec: jobSpecSchema,
  JobView: jobViewSchema,
  Lease: leaseSchema,
  NamedBlob: namedBlobSchema,
  NanoUsd: nanoUsdSchema,
  NearMiss: nearMissSchema,
  Offer: offerSchema,
  Order: orderSchema,
  Placement: placementSchema,
  Price: priceSchema,
  Problem: problemSchema,
  Receipt: receiptSchema,
  ReceiptBundle: receiptBundleSchema,
  Reservation: reservationSchema,
  Resources: resourcesSchema,
  Signature: signatureSchema,
  SignedClaim: signedClaimSchema,
  SignedLease: signedLeaseSchema,
  SignedOffer: signedOfferSchema,
  SignedOrder: signedOrderSchema,
  SignedReceipt: signedReceiptSchema,
  SignedReservation: signedReservationSchema,
  TaskCounts: taskCountsSchema,
  TaskView: taskViewSchema,
  TimelineEvent: timelineEventSchema,
}

/** Codes that every route can answer with. */
const commonErrors = ['request_invalid', 'rate_limited', 'timeout', 'unavailable', 'internal'] as const
const authErrors = ['unauthenticated', 'forbidden'] as const

const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)

const isMoney = (schema: z.core.$ZodTypes): boolean =>
  schema._zod.def.type === 'union' && schema._zod.def.options.some((option) => option._zod.def.type === 'bigint')

/** Money is an amount in decimal in every answer; a request may also hold an integer. */
const asText = ({
  zodSchema,
  jsonSchema,
}: {
  zodSchema: z.core.$ZodTypes
  jsonSchema: z.core.JSONSchema.BaseSchema
}) => {
  if (isMoney(zodSchema)) delete jsonSchema.anyOf
}

const withoutDialect = ({ $schema: _, $id: __, ...schema }: JsonSchema): JsonSchema => schema

/** The JSON Schemas of named schemas, each naming the others by reference. */
const jsonSchemas = (named: ReadonlyMap<string, z.ZodType>): Record<string, JsonSchema> => {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of named) registry.add(schema, { id })
  const made = z.toJSONSchema(registry, {
    io: 'input',
    unrepresentable: 'any',
    uri: (id) => reference(id).$ref,
    override: asText,
  })
  return Object.fromEntries(Object.entries(made.schemas).map(([id, schema]) => [id, withoutDialect({ ...schema })]))
}

const inlineSchema = (schema: z.ZodType): JsonSchema =>
  withoutDialect({ ...z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', override: asText }) })

const parametersOf = (route: Route): JsonSchema[] => {
  const describe = (place: 'path' | 'query', shape: Readonly<Record<string, z.ZodType>>): JsonSchema[] =>
    Object.entries(shape).map(([name, schema]) => ({
      name,
      in: place,
      required: place === 'path' || !schema.safeParse(undefined).success,
      schema: inlineSchema(schema),
    }))
  return [...describe('path', route.params.shape), ...describe('query', route.query.shape)]
}

const nameOf = (schema: z.ZodType): string | undefined =>
  Object.keys(components).find((name) => components[name] === schema)

const bytes = { 'application/octet-stream': {} }

const operationOf = (id: string, route: Route, named: Map<string, z.ZodType>): JsonSchema => {
  const refer = (schema: z.ZodType, part: string) => {
    const name = nameOf(schema) ?? `${capital(id)}${part}`
    named.set(name, schema)
    return reference(name)
  }
  const answer = (): JsonSchema => {
    if (route.response === 'bytes') return bytes
    if ('json' in route.response) return { 'application/json': { schema: refer(route.response.json, 'Answer') } }
    const contentSchema = refer(route.response.events, 'Event')
    const description = 'Server-sent events. The `data` of each is one JSON value; its `id` is where to go on from.'
    return {
      'text/event-stream': {
        schema: { type: 'string', description, contentMediaType: 'application/json', contentSchema },
      },
    }
  }
  const body = (): JsonSchema => {
    if (route.body === null) return {}
    const content = route.body === 'bytes' ? bytes : { 'application/json': { schema: refer(route.body, 'Body') } }
    return { requestBody: { required: true, content } }
  }
  const codes: ErrorCode[] = [...route.errors, ...(route.auth === 'none' ? [] : authErrors), ...commonErrors]
  const problem = { allOf: [reference('Problem'), { properties: { code: { enum: [...new Set(codes)] } } }] }
  return {
    operationId: id,
    summary: route.summary,
    ...(route.auth === 'none' ? {} : { security: [{ [route.auth]: [] }] }),
    parameters: parametersOf(route),
    ...body(),
    responses: {
      [route.status]: { description: 'Done.', content: answer() },
      default: {
        description: `Not done. Codes of this route: ${codes.join(', ')}.`,
        content: { 'application/problem+json': { schema: problem } },
      },
    },
  }
}

/** The OpenAPI 3.1 document of a market's HTTP API, made from its routes. */
export const openApiDocument = (): object => {
  const named = new Map(Object.entries(components))
  const paths: Record<string, JsonSchema> = {}
  for (const [id, route] of Object.entries<Route>(routes)) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(id, route, named) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Muster market',
      version: '1',
      description:
        'Money is nano-dollars in decimal text, times are milliseconds since 1970, errors are RFC 9457 problems with a code.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      schemas: jsonSchemas(named),
      securitySchemes: {
        tenant: { type: 'http', scheme: 'bearer', description: 'An API key of a tenant.' },
        admin: {
          type: 'http',
          scheme: 'bearer',
          description: 'An admin key of the market; what it may do follows from its role.',
        },
      },
    },
  }
}
