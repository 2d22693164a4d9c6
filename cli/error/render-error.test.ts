import { MusterError } from '@muster/sdk'
import { expect, test } from 'vitest'
import { renderError } from './render-error.ts'

const terminal = {
  stdout: { isTty: false, columns: 80, write: () => {} },
  stderr: { isTty: false, columns: 80, write: () => {} },
  environment: {},
}

test('facts that JSON cannot carry are said all the same', () => {
  const facts = { size: 7n, deep: { ceiling: 8n }, list: [9n], nothing: undefined }
  const error = new MusterError({ code: 'internal', message: 'No.', facts })
  const text = renderError(error, terminal as never, false)
  expect(text).toMatch(/size +7\n/)
  expect(text).toMatch(/deep +\{"ceiling":"8"\}\n/)
  expect(text).toMatch(/list +9\n/)
})

test('amounts are shown in dollars, beside the nano-dollars they are', () => {
  const facts = { account: 'tenant:x', expected: '5000000000000', found: '25000000000' }
  const error = new MusterError({ code: 'insufficient_funds', message: 'The account does not hold that much.', facts })
  const text = renderError(error, terminal as never, false)
  expect(text).toMatch(/expected +\$5000\.00 \(5000000000000 nano-dollars\)\n/)
  expect(text).toMatch(/found +\$25\.00 \(25000000000 nano-dollars\)\n/)
  expect(text).toMatch(/account +tenant:x\n/)
})

test('what is expected and found of an amount is in dollars in the sentence and the table', () => {
  const issues = [
    { path: 'spec.ceiling', expected: 'at least 3000 nano-dollars, what all tasks may cost', found: '2000' },
  ]
  const message = `The spec is wrong at spec.ceiling: expected ${issues[0]?.expected}, found 2000.`
  const text = renderError(
    new MusterError({ code: 'spec_invalid', message, facts: { issues } }),
    terminal as never,
    false,
  )
  expect(text).toContain('expected at least $0.000003, what all tasks\n  may cost, found $0.000002.\n')
  expect(text).toMatch(/spec\.ceiling +at least \$0\.000003, [^$]+\$0\.000002\n/)
  expect(text).not.toContain('nano-dollars')
})

test('of offers that are only busy it says how many, of others what the nearest lack', () => {
  const nearest = (requirement: string) => [
    { offer: 'ofr_1', provider: `0x${'1'.repeat(40)}`, failed: [{ requirement, expected: 'at least 1', found: '0' }] },
  ]
  const render = (requirement: string) => {
    const facts = { slots: 1, offers: 9, nearest: nearest(requirement) }
    return renderError(
      new MusterError({ code: 'nothing_fits', message: '2 of 9 offers fit.', facts }),
      terminal as never,
      false,
    )
  }
  expect(render('slots free')).toMatch(/^✗ 2 of 9 offers fit\.[^]*do +Submit it all the same: it waits/)
  expect(render('resources.gpuCount')).toMatch(/^✗ None of 9 offers fits\. What the nearest lack:/)
})

test('of the offers of one provider, one that lacks all that a nearer one lacks is not said again', () => {
  const near = (who: string, ...lacks: readonly string[]) => ({
    offer: 'ofr_1',
    provider: `0x${who.repeat(40)}`,
    failed: lacks.map((requirement) => ({ requirement, expected: 'at least 1', found: '0' })),
  })
  const nearest = [
    near('1', 'stake'),
    near('1', 'stake', 'runtime'),
    near('1', 'regions'),
    near('2', 'stake', 'regions'),
  ]
  const error = new MusterError({ code: 'nothing_fits', message: 'None.', facts: { offers: 4, nearest } })
  const rows = renderError(error, terminal as never, false).match(/^ +(?:0x\S+ +)?(?:stake|runtime|regions)/gm)
  expect(rows?.map((row) => row.trim().replace(/ +/, ' '))).toEqual([
    '0x111111…1111 stake',
    '0x111111…1111 regions',
    '0x222222…2222 stake',
    'regions',
  ])
})

test.each([
  [{ code: 'insufficient_funds', facts: { account: 'market:fees' } }, 'Refund a receipt,'],
  [{ code: 'insufficient_funds', facts: { account: 'tenant:tnt_x' } }, 'Deposit more,'],
  [{ code: 'unauthenticated', facts: { expected: 'an admin key' } }, 'Give an admin key'],
  [{ code: 'unauthenticated', facts: {} }, 'Give a key'],
  [{ code: 'nothing_fits', facts: { offers: 0, nearest: [] } }, 'Try again later.'],
  [{ code: 'nothing_fits', facts: { offers: 2, nearest: [] } }, 'Loosen what is listed'],
  [{ code: 'request_invalid', facts: { file: 'x', found: 'ENOENT' } }, 'Check the path.'],
  [{ code: 'request_invalid', facts: { see: 'muster job --help' } }, '`muster job --help` says what there is.'],
] as const)('what to do about %j: %s', (error, advice) => {
  const text = renderError(new MusterError({ message: 'It failed.', ...error }), terminal as never, false)
  expect(text).toMatch(new RegExp(`^ +do +${RegExp.escape(advice)}`, 'm'))
})
