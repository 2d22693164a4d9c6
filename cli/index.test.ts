import { expect, test } from 'vitest'
import * as cli from './index.ts'

test('exports these names', () => {
  expect(Object.keys(cli).toSorted()).toMatchInlineSnapshot(`
    [
      "contextFile",
      "contextSchema",
      "createProgress",
      "exitCodeOf",
      "exitCodes",
      "formatAge",
      "formatBytes",
      "formatClock",
      "formatCores",
      "formatDuration",
      "formatGpus",
      "formatPrice",
      "padEnd",
      "padStart",
      "printable",
      "readContext",
      "renderBars",
      "renderError",
      "renderFacts",
      "renderTable",
      "shorten",
      "styleFor",
      "systemTerminal",
      "textWidth",
      "truncate",
      "wantsColor",
      "withoutStyle",
      "writeContext",
    ]
  `)
})
