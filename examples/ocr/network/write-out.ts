import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { toJson } from '@muster/sdk'
import type { OcrRun } from './run-on-network.ts'

/** `scan.txt` for `scan.png`; where two images share a name, `scan.png.txt` and `scan.jpg.txt`. */
export const textNames = (files: readonly string[]): string[] => {
  const stems = files.map((file) => path.parse(file).name)
  return files.map(
    (file, page) => `${stems.filter((stem) => stem === stems[page]).length > 1 ? file : stems[page]}.txt`,
  )
}

/** Writes the recognised text of each page, and every receipt with the records and manifests it rests on. */
export const writeOut = async (run: OcrRun, directory: string): Promise<void> => {
  const text = path.join(directory, 'text')
  const receipts = path.join(directory, 'receipts')
  for (const folder of [text, receipts]) {
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
  }
  const names = textNames(run.pages.map(({ file }) => file))
  await Promise.all(
    names.map((name, page) => writeFile(path.join(text, name), `${run.texts[page]?.lines.join('\n') ?? ''}\n`)),
  )
  for (const { report } of run.waves) {
    await writeFile(path.join(receipts, `${report.program.id}.program`), report.program.manifestBytes)
  }
  const bundles = run.waves.flatMap(({ bill }) => bill.receipts)
  await Promise.all(
    bundles.map((bundle) =>
      writeFile(path.join(receipts, `${bundle.receipt.record.id}.json`), `${toJson(bundle, 2)}\n`),
    ),
  )
}
