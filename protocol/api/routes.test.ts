import { describe, expect, test } from 'vitest'
import * as protocol from '../index.ts'
import { fillPath, type Route } from './route.ts'
import { routes } from './routes.ts'

const all = Object.entries<Route>(routes)

test('no two routes answer the same call', () => {
  const shapes = all.map(([, { method, path }]) => `${method} ${path.replace(/\{\w+\}/g, '{}')}`)
  expect(new Set(shapes).size).toBe(all.length)
})

test('every route that is exported is in the table, once', () => {
  const exported = Object.entries(protocol).filter(([name]) => name.endsWith('Route') && name !== 'defineRoute')
  expect(new Set(Object.values(routes)).size).toBe(all.length)
  expect(new Set(exported.map(([, route]) => route))).toEqual(new Set(Object.values(routes)))
})

describe.each(all)('the route %s', (id, route) => {
  const parameters = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)

  test('has a path of this version with the parameters of its schema', () => {
    expect(route.path).toMatch(/^\/v1(\/[a-z-]+|\/\{[a-z]+\})+$/)
    expect(parameters).toEqual(Object.keys(route.params.shape))
  })

  test('has an id that is a word of code and a sentence that says what it does', () => {
    expect(id).toMatch(/^[a-z][A-Za-z]+$/)
    expect(route.summary).toMatch(/^\S.*[.]$/s)
  })

  test('reads with GET, and sends nothing with it', () => {
    if (route.method === 'GET') expect([route.body, route.status]).toEqual([null, 200])
  })

  test('refuses parameters it does not know', () => {
    expect(route.query.safeParse({ unknown: '1' }).success).toBe(false)
    expect(route.params.safeParse({ unknown: '1' }).success).toBe(false)
  })

  test('names each code once', () => {
    expect(new Set(route.errors).size).toBe(route.errors.length)
  })
})

test('a filled path is one path, whatever it is filled with', () => {
  expect(fillPath(routes.getJob, { job: 'job_1' })).toBe('/v1/jobs/job_1')
  expect(fillPath(routes.getBlob, { cid: '../admin?x=1#y' })).toBe('/v1/blobs/..%2Fadmin%3Fx%3D1%23y')
})
