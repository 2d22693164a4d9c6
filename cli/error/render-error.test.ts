import { MusterError } from '@muster/sdk'
import { expect, test } from 'vitest'
import { renderError } from './render-error.ts'

const terminal = {
  stdout: { isTty: false, columns: 80, write: () => {} },
  stderr: { isTty: false, columns: 80, write: () => {} },
  environment: {},
}

test('facts that JSON cannot carry are said all the same', () => {
  const facts = { amount: 7n, deep: { ceiling: 8n }, list: [9n], nothing: undefined }
  const error = new MusterError({ code: 'internal', message: 'No.', facts })
  const text = renderError(error, terminal as never, false)
  expect(text).toMatch(/amount +7\n/)
  expect(text).toMatch(/deep +\{"ceiling":"8"\}\n/)
  expect(text).toMatch(/list +9\n/)
})
