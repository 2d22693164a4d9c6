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

test('what others wrote cannot steer the terminal', () => {
  const fields = { problem: '\u001b[2J', facts: { found: '\u009b2J' }, ['\u001b[1m']: 1 }
  const line = JSON.stringify({ time: '2026-01-02T03:04:05.678Z', level: 'warn', msg: 'no\u0007', ...fields })
  expect(textLine(line)).toBe(
    '03:04:05.678 warn  no\\u0007  problem=\\u001b[2J  facts={"found":"\\u009b2J"}  \\u001b[1m=1',
  )
  expect(textLine('\u001b[2J')).toBe('\\u001b[2J')
})

test('anything else stays as it is', () => {
  expect(textLine('plain')).toBe('plain')
  expect(textLine('7')).toBe('7')
})
