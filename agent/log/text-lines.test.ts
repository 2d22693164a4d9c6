import { expect, test } from 'vitest'
import { textLine } from './text-lines.ts'

test('a log line becomes one a person reads', () => {
  const line = JSON.stringify({
    time: '2026-01-02T03:04:05.678Z',
    level: 'info',
    msg: 'ready',
    provider: '0x1',
    slots: 2,
  })
  expect(textLine(line)).toBe('03:04:05.678 info  ready  provider=0x1  slots=2')
})

test('anything else stays as it is', () => {
  expect(textLine('plain')).toBe('plain')
  expect(textLine('7')).toBe('7')
})
