import {
  createVerifier,
  loadSecp256k1,
  transcriptBundleSchema,
  verifyTranscript,
  type AuctionSummary,
  type JobId,
} from '@muster/protocol'
import { noopSpec, rehearse, type Rehearsal, type RehearsalOptions, type Tenant } from '../rehearsal/rehearse.ts'
import type { Script, ScriptedAgent } from '../rehearsal/script.ts'

const verifier = createVerifier(await loadSecp256k1())

export const sealedSpec = (tasks: number, change: Record<string, unknown> = {}) =>
  noopSpec(tasks, { slots: 1, auction: { windowMs: 200, pricing: 'second-price' }, ...change })

export const setUp = async (
  prices: readonly bigint[],
  scripts: readonly Script[] = [],
  options: RehearsalOptions = {},
) => {
  const stage = await rehearse(options)
  const agents: ScriptedAgent[] = []
  for (const [index, nanoUsd] of prices.entries())
    agents.push(await stage.agent({ key: index + 1, slots: 2, nanoUsd, script: scripts[index] ?? {} }))
  return { stage, agents, tenant: await stage.tenant() }
}

export const auctionsOf = async (tenant: Tenant, job: JobId): Promise<AuctionSummary[]> =>
  ((await (await tenant.request('GET', `/v1/jobs/${job}/auctions`)).json()) as { auctions: AuctionSummary[] }).auctions

const transcriptOf = async (stage: Rehearsal, auction: string) =>
  transcriptBundleSchema.parse(await (await stage.app().request(`/v1/auctions/${auction}`)).json())

export const onlyTranscript = async (stage: Rehearsal, tenant: Tenant, job: JobId) => {
  const [auction] = await auctionsOf(tenant, job)
  if (auction === undefined) throw new Error('no auction')
  return (await transcriptOf(stage, auction.id)).transcript
}

export const failedChecks = (stage: Rehearsal, transcript: Parameters<typeof verifyTranscript>[2]) =>
  verifyTranscript(verifier, stage.market().domain, transcript).filter(({ holds }) => !holds)
