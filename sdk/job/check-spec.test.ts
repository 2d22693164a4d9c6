import { describe, expect, test } from 'vitest'
import { noopSpec } from '../fake/index.ts'
import { checkSpec } from './check-spec.ts'
import { MusterError } from '@muster/protocol'

const issuesOf = (spec: unknown): unknown => {
  try {
    checkSpec(spec)
  } catch (error) {
    if (error instanceof MusterError && error.code === 'spec_invalid') return error.facts['issues']
    throw error
  }
  return []
}

describe('checkSpec', () => {
  test('fills in the defaults', () => {
    const spec = checkSpec(noopSpec())
    expect(spec).toMatchObject({
      award: 'lowest',
      verify: 'none',
      limits: { maxFailures: 3 },
      resources: { gpuCount: 0 },
    })
    expect(spec.placement.regions).toEqual([])
  })

  test('takes money as bigint, integer or decimal text', () => {
    for (const ceiling of [7n, 7, '7']) expect(checkSpec({ ...noopSpec(), ceiling }).ceiling).toBe(7n)
  })

  test('names every mistake at once, each with path, expected and found', () => {
    const { maxPrice: _, ...rest } = noopSpec()
    const spec = {
      ...rest,
      apiVersion: 'v1',
      name: 'Not A Name',
      color: 'red',
      slots: 0,
      resources: { cpuMilli: 'two', memoryBytes: 1, diskBytes: -1 },
      placement: {
        countries: ['Germany'],
        regions: [],
        providers: [],
        excludeProviders: [],
        attributes: { 'A B': 'x' },
      },
      ceiling: '1.5',
      tasks: [{ inputs: [{ name: 'x', cid: 'nope' }] }],
    }
    expect(issuesOf(spec)).toMatchInlineSnapshot(`
      [
        {
          "expected": "muster/v1",
          "found": ""v1"",
          "path": "apiVersion",
        },
        {
          "expected": "1 to 63 of a-z, 0-9, dot, dash, underscore",
          "found": ""Not A Name"",
          "path": "name",
        },
        {
          "expected": "a CID: bafkrei and 52 characters",
          "found": ""nope"",
          "path": "tasks[0].inputs[0].cid",
        },
        {
          "expected": "at least 1",
          "found": "0",
          "path": "slots",
        },
        {
          "expected": "a number",
          "found": ""two"",
          "path": "resources.cpuMilli",
        },
        {
          "expected": "at least 0",
          "found": "-1",
          "path": "resources.diskBytes",
        },
        {
          "expected": "an ISO 3166 country of two capitals",
          "found": ""Germany"",
          "path": "placement.countries[0]",
        },
        {
          "expected": "a name that is 1 to 63 of a-z, 0-9, dot, dash, underscore",
          "found": ""A B"",
          "path": "placement.attributes["A B"]",
        },
        {
          "expected": "a map",
          "found": "nothing",
          "path": "maxPrice",
        },
        {
          "expected": "a whole number or a number or text like /^-?\\d{1,19}$/",
          "found": ""1.5"",
          "path": "ceiling",
        },
        {
          "expected": "no field of this name",
          "found": ""red"",
          "path": "color",
        },
      ]
    `)
  })

  test('an empty value is one issue of the whole', () => {
    expect(issuesOf(undefined)).toEqual([{ path: '', expected: 'a map', found: 'nothing' }])
  })

  test('a graph job names a program', () => {
    expect(issuesOf({ ...noopSpec(), runtime: 'graph' })).toEqual([
      { path: 'program', expected: 'a program for the runtime graph, and null for any other', found: 'null' },
    ])
  })

  test('a misspelled field comes first and says what may have been meant, at every depth', () => {
    const { tasks, placement: _, limits: __, ...rest } = noopSpec()
    const spec = { ...rest, task: tasks, placement: { region: ['eu'] }, limits: { timeout: 5, color: 1 } }
    expect(issuesOf(spec)).toMatchObject([
      { path: 'placement.region', expected: 'no field of this name; did you mean `regions`?' },
      { path: 'limits.timeout', expected: 'no field of this name; did you mean `taskTimeoutMs`?', found: '5' },
      { path: 'task', expected: 'no field of this name; did you mean `tasks`?', found: 'a list of 3' },
      { path: 'tasks', expected: 'a list', found: 'nothing' },
      { path: 'limits.color', expected: 'no field of this name' },
    ])
    expect(() => checkSpec(spec)).toThrow(
      'The job’s spec is wrong: unknown field `placement.region`; did you mean `regions`? And 4 more.',
    )
  })

  test('what is written already is not what was meant', () => {
    expect(issuesOf({ ...noopSpec(), task: [] })).toMatchObject([{ path: 'task', expected: 'no field of this name' }])
    expect(() => checkSpec({ ...noopSpec(), task: [] })).toThrow('The job’s spec is wrong: unknown field `task`.')
  })
})
