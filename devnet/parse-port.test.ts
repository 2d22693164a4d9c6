import { expect, test } from 'vitest'
import { parsePort } from './parse-port.ts'

test.each([
  ['0', 0],
  ['7600', 7600],
  ['65535', 65_535],
])('%s is a port', (text, port) => {
  expect(parsePort(text)).toBe(port)
})

test.each(['abc', '', '65536', '-1', '7600.5', '0x10', ' 1'])("'%s' is none", (text) => {
  expect(() => parsePort(text)).toThrow(`--port takes a whole number from 0 to 65535, found '${text}'.`)
})
