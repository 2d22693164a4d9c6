import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { toJson } from '@muster/sdk'
import type { OcrRun } from './run-on-network.ts'

/** Writes the recognised text of each page and every receipt with the records it rests on. */
export const writeOut = async (run: OcrRun, directory: string): Promise<void> => {
  const text = path.join(directory, 'text')
  const receipts = path.join(directory, 'receipts')
  for (const folder of [text, receipts]) {
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
  }
  await Promise.all(
    run.pages.map(({ file }, page) =>
      writeFile(path.join(text, `${path.parse(file).name}.txt`), `${run.texts[page]?.lines.join('\n') ?? ''}\n`),
    ),
  )
  const bundles = run.waves.flatMap(({ bill }) => bill.receipts)
  await Promise.all(
    bundles.map((bundle) =>
      writeFile(path.join(receipts, `${bundle.receipt.record.id}.json`), `${toJson(bundle, 2)}\n`),
    ),
  )
}
