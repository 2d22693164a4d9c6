import { expect, test } from 'vitest'
import { formatBytes } from './format-bytes.ts'
import { formatDuration } from './format-duration.ts'
import { formatCores, formatGpus, formatPrice, shorten } from './format-record.ts'
import { formatAge } from './format-time.ts'

test.each([
  [0, '0 ms'],
  [740.4, '740 ms'],
  [999.6, '1.0 s'],
  [3_240, '3.2 s'],
  [59_960, '1m 00s'],
  [245_000, '4m 05s'],
  [7_800_000, '2h 10m'],
  [273_600_000, '3d 4h'],
  [-5_000, '-5.0 s'],
])('%d ms is %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1536, '1.5 MiB'.replace('MiB', 'KiB')],
  [2 ** 30, '1 GiB'],
  [150.5 * 2 ** 20, '151 MiB'],
  [2 ** 60, '1024 PiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text)
})

test('records in words', () => {
  expect(formatPrice({ nanoUsd: 500n, per: 'operator' })).toBe('$0.0000005 / operator')
  expect(formatCores(500)).toBe('0.5')
  expect(shorten('0x1234567890abcdef')).toBe('0x123456…cdef')
  expect(shorten('short')).toBe('short')
  const gpu = { uuid: 'a', vendor: 'nvidia', model: 'H200', vramBytes: 1 } as const
  expect(formatGpus([gpu, { ...gpu, uuid: 'b' }])).toBe('2× nvidia H200')
  expect(formatGpus([])).toBe('–')
  expect(formatAge(1_000, 61_000)).toBe('1m 00s ago')
  expect(formatAge(61_000, 1_000)).toBe('in 1m 00s')
})
