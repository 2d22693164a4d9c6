import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../stage/temporary-directory.ts'
import { parsePolicy } from './read-policy.ts'
import { runPrice } from './run-price.ts'

const guide = await readFile(path.join(import.meta.dirname, '../../docs/guides/provide-a-machine.md'), 'utf8')
const blocks = (language: string): string[] =>
  [...guide.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, block = '']) => block)

test('the price files of docs/guides/provide-a-machine.md are policies, and its dry run says what it says there', async () => {
  const [least = '', whole = '', order = ''] = blocks('yaml')
  expect(parsePolicy('least', least).runtimes.size).toBe(1)
  const directory = await temporaryDirectory()
  await writeFile(path.join(directory, 'prices.yaml'), whole)
  await writeFile(path.join(directory, 'order.yaml'), order)
  const [, command = ''] = /agent price (order\.yaml .*)$/m.exec(guide) ?? []
  const args = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '')
  const given = args.map((arg) => (arg.endsWith('.yaml') ? path.join(directory, arg) : arg))
  let out = ''
  const status = await runPrice(given, {
    writeOut: (text) => (out += text),
    writeError: (text) => (out += text),
    now: () => 0,
  })
  expect({ status, out }).toEqual({ status: 0, out: blocks('text')[0] })
})
