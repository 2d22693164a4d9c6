import type { Address, Muster, SignedOffer } from '@muster/sdk'
import { buildDetector } from '../program/build-detector.ts'
import { buildRecogniser } from '../program/build-recogniser.ts'
import { readPublishedModels } from '../program/published.ts'
import { recordDigests } from '../program/record-digests.ts'
import { digestsByPage, type PageDigests } from '../page/shipped-digests.ts'
import { readPages, type PageText } from '../read-pages.ts'
import { checkBill, type Bill } from './check-bill.ts'
import { createNetworkModels, type Wave, type WaveReport } from './network-models.ts'
import type { InputPage } from './read-input.ts'

export type OcrRun = {
  readonly pages: readonly InputPage[]
  readonly texts: readonly PageText[]
  /** What the network answered about each page. */
  readonly digests: readonly PageDigests[]
  /** CIDs of the two ONNX files. */
  readonly programs: { readonly detector: string; readonly recogniser: string }
  readonly waves: readonly { readonly report: WaveReport; readonly bill: Bill }[]
  /** What could have been had when the run began. */
  readonly offers: readonly SignedOffer[]
  readonly tookMs: number
}

export type RunOptions = {
  readonly market: Address
  readonly slots: number
  readonly maxNanoUsdPerOperator: bigint
  readonly onStep: (step: string) => void
  readonly onProgress: (wave: Wave, done: number, total: number) => void
}

const eligibleOffers = async (muster: Muster, maxNanoUsdPerOperator: bigint): Promise<readonly SignedOffer[]> => {
  const demand = {
    slots: 1,
    resources: { cpuMilli: 1_000, memoryBytes: 2 ** 20, diskBytes: 0 },
    runtime: 'graph' as const,
    placement: {},
    maxPrice: { nanoUsd: maxNanoUsdPerOperator, per: 'operator' as const },
  }
  return (await muster.match(demand)).offers
}

/** Reads pages with machines of the network: publishes the two programs, runs two waves of tasks, checks the bill. */
export const runOnNetwork = async (
  muster: Muster,
  pages: readonly InputPage[],
  options: RunOptions,
): Promise<OcrRun> => {
  const started = performance.now()
  options.onStep('Publishing the two programs')
  const published = readPublishedModels()
  const programs = {
    detection: await muster.publishProgram(buildDetector(published.detector)),
    recognition: await muster.publishProgram(buildRecogniser(published.recogniser)),
  }
  const offers = await eligibleOffers(muster, options.maxNanoUsdPerOperator)

  const reports: WaveReport[] = []
  const models = recordDigests(
    createNetworkModels(muster, { ...options, programs, onWave: (report) => void reports.push(report) }),
  )
  options.onStep('Reading the pages')
  const texts = await readPages(
    pages.map(({ image }) => image),
    models,
    published.dictionary,
  )
  options.onStep('Checking the receipts offline')
  const waves = await Promise.all(
    reports.map(async (report) => ({ report, bill: await checkBill(muster, options.market, report) })),
  )
  return {
    pages,
    texts,
    digests: digestsByPage(models, texts),
    programs: { detector: programs.detection.manifest.model, recogniser: programs.recognition.manifest.model },
    waves,
    offers,
    tookMs: performance.now() - started,
  }
}
